/*
 * Redlock as a model for spin: acquire, token, extend with repair, release,
 * restart guard, on three nodes. Every interleaving within the bounds is visited.
 *
 * WHAT IS MODELLED
 *   Nodes      three. Each holds one key with its owner and expiry, and the
 *              register of tokens, and knows for how long it has been up.
 *   Attempts   a client makes any number of attempts, one after another, each
 *              with a value of its own (I4): SET NX and ZADD GT on all nodes, won
 *              by a majority that granted the key and accepted the token; rounds
 *              that raise the token where it was not accepted.
 *   Leases     any number of rounds of extension, as internal/core does them: only
 *              a node that is established votes; a node without the key is given
 *              it again (repair), and is established by a later round that was
 *              sent after that was known and succeeded without it; so is one
 *              whose last word is older than the TTL (I9).
 *   Release    compare and delete, by whoever gave up, released or expired.
 *   Network    each request to each node is delivered at any later time, in any
 *              order, or never: also after the client has given up and begun
 *              another attempt, and after the node has restarted. A reply may
 *              be lost where that matters.
 *   Pauses     a client may stop at any point, for a while or for ever (a crash):
 *              each step is its own, and nothing forces the next.
 *   Time       a global tick: expiries on the nodes, validities of the clients
 *              and quarantines run down by one. Any number of steps happens
 *              between two ticks. There is no end of time.
 *   Restarts   a node loses everything, any number of times; but only a minority
 *              within one quarantine, as I1 demands.
 *
 * WHAT IS ABSTRACTED
 *   - Clock rates are equal, so drift is 0. Wall clocks only propose tokens.
 *   - TTL and quarantine are 2 ticks where nothing else is said, and registers
 *     do not expire.
 *   - What an attempt that has ended left in the network may arrive at any time, any
 *     number of times: a delete, a SET, a token to accept (any token at all). More
 *     than can happen; so "none" proves more, and a story of a wrong variant
 *     is worth a second look.
 *   - Two exceptions, and neither can create a key: a raise is lost when its attempt
 *     ends, and an extension is lost when its lease does. An extension of an earlier
 *     round may still refresh the key at any time, any number of times.
 *   - Executing a request and its reply reaching the client are one step. A
 *     reply that comes later is the client's own next step coming later.
 *   - A raise proposes anything (CLOCKS), or one above the registers (RESTARTS).
 *   - No waiting, no queue, no hand-over: they decide who asks, not who holds.
 *   - States that differ only in the numbering of the nodes are one state.
 *
 * THE WORLDS, each with the right model and the wrong ones that belong to it
 *   CLOCKS     nodes keep their data; wall clocks are anything: each attempt
 *              proposes any token (of PROPOSALS above the lowest register).
 *   RESTARTS   nodes restart without memory; wall clocks differ by up to SKEW,
 *              which is less than the quarantine.
 *   MISTRUST   outside I1's assumptions: the clock of holder A stands still while
 *              A holds, and any node loses its data unnoticed at any time. Then
 *              exclusion cannot hold; what must is I9: an extension succeeds
 *              only if nobody else was granted the key since.
 *
 * Each wrong variant is one -D flag: one "#ifdef" of the part RULES.
 */

#define CLOCKS    1
#define RESTARTS  2
#define REGISTERS 3
#define MISTRUST  4

/* ------------------------------------------------------------- BOUNDS ---- */
#ifndef WORLD
#define WORLD CLOCKS
#endif
#ifndef CLIENTS
#define CLIENTS 2
#endif
#ifndef EXTENDERS
#define EXTENDERS 1     /* so many of the clients extend their leases: A, B, … */
#endif
#ifndef TTL
#define TTL 2           /* ticks */
#endif
#ifndef QUARANTINE
#define QUARANTINE TTL
#endif
#ifndef SKEW
#define SKEW 1          /* RESTARTS: ticks between two wall clocks at most */
#endif
#ifndef PROPOSALS
#define PROPOSALS 2     /* CLOCKS: 2 or 3 */
#endif
#ifndef UNIT
#define UNIT 1          /* REGISTERS: tokens in a tick of a wall clock */
#endif
#ifndef CHECK_I6
#define CHECK_I6 1      /* 0: let a wrong variant go on until I1 or I3 is broken */
#endif

/* -------------------------------------------------------------- RULES ---- */

/* Every attempt has a value of its own (I4), so that what is left of an earlier
   attempt means nothing to a later one: LATE_HITS says that it does. */
#if defined(SAME_VALUE)
#define LATE_HITS(n) (key[n] != 0 && (ended & CBIT(key[n] - 1)))
#elif defined(BLIND_RELEASE)      /* release: compare, then delete */
#define LATE_HITS(n) (key[n] != 0 && ended)
#else
#define LATE_HITS(n) false
#endif

/* Validity counts from before the first request was sent (I2). */
#ifdef LATE_VALIDITY
#define VALIDITY(c) TTL
#else
#define VALIDITY(c) left[c]
#endif

/* Restart guard (I6): a node votes in an attempt if its quarantine was over
   when the attempt began, and it has not restarted since. */
#if defined(NO_GUARD)
#define VERIFIED(c, n) true
#elif defined(LATE_GUARD)         /* if it is over when the reply is in hand */
#define VERIFIED(c, n) (quar[n] == 0)
#else
#define VERIFIED(c, n) has(c, n, OK)
#endif
#ifdef LATE_GUARD
#define ON_UNVERIFIED(c, n) put(c, n, WAITS)
#else
#define ON_UNVERIFIED(c, n) skip
#endif

/* The token is one that a majority accepted, of the nodes that granted (I3). */
#if defined(NAIVE_TOKEN)          /* INCR a counter on each node, take the max */
#define TOKEN_STANDS(c) most(c, GOT)
#elif defined(ACCEPT_ANYWHERE)    /* also of nodes that refused the key */
#define TOKEN_STANDS(c) (most(c, GOT) && most(c, ACC))
#else
#define TOKEN_STANDS(c) most(c, GOT | ACC)
#endif

/* A node that was given the key again is no voter yet (I9). */
#ifdef REPAIRED_VOTES
#define ON_REPAIRED(c, n) put(c, n, EST); vote(c, n)
#else
#define ON_REPAIRED(c, n) put(c, n, FRESH)
#endif

/* A straggler, whose grant came when the lease was already held, votes as the others
   do. In MISTRUST it does not: see LATE_GRANTS at the end of this part. */
#if WORLD != MISTRUST || defined(LATE_GRANTS)
#define STRAGGLERS true
#else
#define STRAGGLERS false
#endif

/* An extension never creates the key: if its reply were lost, the next one would
   find the key "retained". Repair is a request of its own. */
#ifdef EXTEND_REPAIRS
#define ON_ABSENT(c, n) key[n] = VALUE(c); ttl[n] = TTL
#else
#define ON_ABSENT(c, n) skip
#endif

/* A key that the node last confirmed a TTL ago may have expired since, and an old SET
   of ours may have taken it anew: the node has to prove itself again (I9). */
#ifdef OLD_PROOF
#define PROOF_OVER(c, n) false
#else
#define PROOF_OVER(c, n) (proof[3 * c + n] == 0)
#endif

/* Limits of I9 beyond I1's assumptions. They are no variants, but what the library
   does; in MISTRUST they are left out unless asked for. With
   LATE_GRANTS I9 fails there; with LATE_SETS no search has been run to its end.
     LATE_GRANTS  a grant of the first round counts also if it comes when the lease
                  is held already (the library: within the per-node deadline)
     LATE_SETS    a SET whose call failed arrives after all */
#if WORLD != MISTRUST || defined(LATE_SETS)
#define LOST_SETS LOST
#else
#define LOST_SETS 0
#endif

/* --------------------------------------------------------------- STATE --- */

#define N 3
#define CLOCK (UNIT * (TTL + 1))  /* RESTARTS: what the slowest wall clock reads; see tick */

/* Phases of a client. */
#define IDLE   0
#define ASKS   1                  /* the first round is under way */
#define RAISES 2                  /* a round that raises the token is under way */
#define HOLDS  3                  /* has a lease; valid while left > 0 */

/* Values of a key: 0, or that of the present attempt of c. The key of an attempt
   that has ended is not followed any more: it may go, and come again, at any time. */
#define VALUE(c) (1 + c)

/* What is under way between client c and node n, and what c knows of n. */
#define ASKED 1                   /* SET and ZADD: not delivered */
#define HALF  2                   /* SET executed, ZADD not yet */
#define TOOK  4                   /* and the SET took the key */
#define OK    8                   /* verified when the attempt began, not restarted since */
#define GOT   16                  /* granted; of an extended lease: voted last */
#define ACC   32                  /* accepted the token */
#define RAI   64                  /* raise: not delivered */
#define LOST  128                 /* the call of a SET failed: it may arrive at any time */
#define EXT   256                 /* extension: not delivered */
#define VOT   512                 /* voted in the round under way */
#define EST   1024                /* established: may vote */
#define FRESH 2048                /* holds the key, known since the last round was sent */
#define KNOWN 4096                /* holds the key, known before the last round was sent */
#define REP   8192                /* repair: not delivered */
#define WAITS 16384               /* LATE_GUARD: granted; the reply is not in hand yet */

byte  key[N], ttl[N], reg[N], quar[N];
short f[9];                       /* f[3 * c + n] */
byte  proof[9];                   /* ticks until the key may have expired, as far as c knows:
                                     TTL from the sending of the last request that the node
                                     answered with "it is yours", or of the SET under way */
byte  st[CLIENTS];
byte  left[CLIENTS];              /* ticks of validity left */
byte  then[CLIENTS];              /* ticks of validity left if the round under way succeeds */
byte  tok[CLIENTS];               /* the token */
byte  prop[CLIENTS];              /* the token in the SET's batch, if it was raised since */
bool  more[CLIENTS];              /* the lease saw more than one round of extension */
byte  ended;                      /* clients that have ended an attempt */

/* For the assertions only. */
byte  top;                        /* the greatest token granted */
byte  newer;                      /* clients whose lease is not the newest grant any more */
byte  stale;                      /* and was not when the round under way got its first vote */

/* Used within a step and 0 between two. */
byte  i, j, hit;
short x;

/* The nodes' names, for the story that a trail tells; a search needs none. */
#ifdef STORY
byte  who[N];
int   base;                       /* what the tokens of the state are counted from */
#define WHO(n)    who[n]
#define REBASE(v) base = base + v
#define SHOWN(t)  (t + base)
#else
#define WHO(n)    x
#define REBASE(v) x = v
#define SHOWN(t)  t
#endif

#define CBIT(c)       (1 << (c))
#define has(c, n, b)  ((f[3 * c + n] & (b)) == (b))
#define put(c, n, b)  f[3 * c + n] = f[3 * c + n] | (b)
#define drop(c, n, b) f[3 * c + n] = f[3 * c + n] & ~(b)
#define any(c, b)     (((f[3 * c] | f[3 * c + 1] | f[3 * c + 2]) & (b)) != 0)
#define most(c, b)    (has(c, 0, b) + has(c, 1, b) + has(c, 2, b) >= 2)
#define every(c, what) what(c, 0); what(c, 1); what(c, 2)

#define NAME(c)    ('A' + c)
#define VALID(c)   (st[c] == HOLDS && left[c] > 0)
#define EXTENDS(c) (c < EXTENDERS)
#define TOKENS     (WORLD == CLOCKS || WORLD == REGISTERS)
#define GUARDED    (WORLD == RESTARTS || WORLD == REGISTERS)
#define PROP(c)    (prop[c] -> prop[c] : tok[c])
#if WORLD == MISTRUST
#define STOPPED(c) (c == 0 && st[0] == HOLDS)   /* A's clock */
#else
#define STOPPED(c) false
#endif

/* ---------------------------------------------------------- PROPERTIES --- */

/* I1, at the moment at which c's lease begins or is prolonged. */
#define excludes(c, o) \
  if :: WORLD != MISTRUST && o < CLIENTS && o != c && VALID(o) -> printf("!! I1: two leases are valid at the same time\n"); assert(false) :: else fi

/* I6, at the moment at which node n votes for c: no lease rests on an earlier
   vote of n, and no attempt may still win by one. */
#define votes_once(c, o, n) \
  if :: CHECK_I6 && WORLD != MISTRUST && o < CLIENTS && o != c && st[o] != IDLE && left[o] > 0 && has(o, n, GOT) -> printf("!! I6: the node has voted, and its vote still counts\n"); assert(false) :: else fi

/* I3, at the moment at which c's lease begins. */
#define rises(c) \
  if :: TOKENS && tok[c] <= top -> printf("!! I3: the token is not greater than one granted before\n"); assert(false) :: else fi

/* I9, at the moment at which c's lease is prolonged. */
#define unbroken(c) \
  if :: stale & CBIT(c) -> printf("!! I9: extended, but another had been granted the key in the meantime\n"); assert(false) :: else fi

/* In MISTRUST the votes that c counts may be lost already. That is no grant to
   hold against others. */
#define HAS_KEY(c) ((key[0] == VALUE(c)) + (key[1] == VALUE(c)) + (key[2] == VALUE(c)) >= 2)

/* ---------------------------------------------------- ONE STATE OF MANY --- */

#define swap(a, b, t) t = a; a = b; b = t
#define swap_nodes(m, n) \
  swap(key[m], key[n], j); swap(ttl[m], ttl[n], j); swap(reg[m], reg[n], j); swap(quar[m], quar[n], j); \
  swap(f[m], f[n], x); swap(f[3 + m], f[3 + n], x); swap(f[6 + m], f[6 + n], x); swap(proof[m], proof[n], j); swap(proof[3 + m], proof[3 + n], j); swap(proof[6 + m], proof[6 + n], j); swap(WHO(m), WHO(n), j)
#define X(n) (key[n] + 8 * ttl[n] + 32 * quar[n] + 128 * reg[n] + 8192 * f[n])
#define Y(n) (f[3 + n] + 32768 * f[6 + n])
#define Z(n) (proof[n] + 4 * proof[3 + n])
#define sort(m, n) if :: X(m) > X(n) || (X(m) == X(n) && (Y(m) > Y(n) || (Y(m) == Y(n) && Z(m) > Z(n)))) -> swap_nodes(m, n) :: else fi

#define less(v, by) v = (v > by -> v - by : 0)

/* Ends every step. Tokens that can make no difference any more become 0: in
   CLOCKS all are counted from the lowest that is in a register or proposed,
   because what is not above it is accepted nowhere; in RESTARTS registers below all that is or will be
   proposed are as good as empty. */
inline settle()
{
#if WORLD == CLOCKS && !defined(NAIVE_TOKEN)
  j = reg[0];
  if :: reg[1] < j -> j = reg[1] :: else fi;
  if :: reg[2] < j -> j = reg[2] :: else fi;
  if :: (st[0] == ASKS || st[0] == RAISES) && tok[0] <= j -> j = tok[0] - 1 :: else fi;
  if :: (st[1] == ASKS || st[1] == RAISES) && tok[1] <= j -> j = tok[1] - 1 :: else fi;
#if CLIENTS > 2
  if :: (st[2] == ASKS || st[2] == RAISES) && tok[2] <= j -> j = tok[2] - 1 :: else fi;
#endif
  if :: j > 0 ->
        REBASE(j);
        less(reg[0], j); less(reg[1], j); less(reg[2], j); less(top, j);
        less(tok[0], j); less(prop[0], j); less(tok[1], j); less(prop[1], j);
#if CLIENTS > 2
        less(tok[2], j); less(prop[2], j)
#endif
     :: else
  fi;
#endif
#if WORLD == REGISTERS
  j = CLOCK;
  if :: (st[0] == ASKS || st[0] == RAISES) && tok[0] < j -> j = tok[0] :: else fi;
  if :: (st[1] == ASKS || st[1] == RAISES) && tok[1] < j -> j = tok[1] :: else fi;
#if CLIENTS > 2
  if :: (st[2] == ASKS || st[2] == RAISES) && tok[2] < j -> j = tok[2] :: else fi;
#endif
  for (i : 0 .. N - 1) { if :: reg[i] < j -> reg[i] = 0 :: else fi }
  for (i : 0 .. CLIENTS - 1) {
    if :: st[i] == HOLDS && tok[i] < j -> tok[i] = 0 :: else fi;
    if :: prop[i] < j -> prop[i] = 0 :: else fi
  }
  if :: top < j -> top = 0 :: else fi;
#endif
  sort(0, 1); sort(1, 2); sort(0, 1);
  i = 0; j = 0; hit = 0; x = 0
}

/* ------------------------------------------------------------- CLIENTS --- */

#define ask(c, n) f[3 * c + n] = ASKED | ((GUARDED && quar[n] == 0) -> OK : 0); proof[3 * c + n] = (EXTENDS(c) -> TTL : 0)

inline begin(c, p)
{
  st[c] = ASKS; left[c] = TTL; tok[c] = p;
  every(c, ask);
#if TOKENS && !defined(NAIVE_TOKEN)
  printf("%c begins an attempt: SET to all nodes, proposing token %d\n", NAME(c), SHOWN(p))
#else
  printf("%c begins an attempt: SET to all nodes\n", NAME(c))
#endif
}

#define ask_more(c, n) drop(c, n, ACC); if :: has(c, n, GOT) -> put(c, n, RAI) :: else fi

inline raise(c, p)
{
  if :: any(c, ASKED | HALF) && prop[c] == 0 -> prop[c] = tok[c] :: else fi;
  st[c] = RAISES; tok[c] = p;
  every(c, ask_more);
  printf("%c was granted the key but not the token, and proposes %d\n", NAME(c), SHOWN(p))
}

#define leave(c, n) f[3 * c + n] = 0; proof[3 * c + n] = 0; if :: key[n] == VALUE(c) -> key[n] = 0; ttl[n] = 0 :: else fi

/* The end of an attempt, whatever the reason; the delete is on its way. */
inline end(c)
{
  st[c] = IDLE; left[c] = 0; then[c] = 0; tok[c] = 0; prop[c] = 0; more[c] = 0;
#if defined(SAME_VALUE) || defined(BLIND_RELEASE)
  ended = ended | CBIT(c);
#endif
  newer = newer & ~CBIT(c); stale = stale & ~CBIT(c);
  every(c, leave)
}

#define found(c, n) \
  drop(c, n, ACC | RAI | WAITS); \
  if :: STRAGGLERS && has(c, n, ASKED | OK) :: else -> drop(c, n, OK) fi; \
  if :: EXTENDS(c) && has(c, n, GOT) -> put(c, n, EST) :: else fi

inline granted(c)
{
  left[c] = VALIDITY(c);
#if TOKENS
  printf("%c HOLDS the lease, with token %d (%d ticks left)\n", NAME(c), SHOWN(tok[c]), left[c]);
#else
  printf("%c HOLDS the lease (%d ticks left)\n", NAME(c), left[c]);
#endif
  excludes(c, 0); excludes(c, 1); excludes(c, 2);
  rises(c);
  if :: TOKENS -> top = tok[c] :: else fi;
  for (i : 0 .. CLIENTS - 1) {
    if :: st[i] == HOLDS && EXTENDS(i) && HAS_KEY(c) -> newer = newer | CBIT(i) :: else fi
  }
  every(c, found);
  st[c] = HOLDS;
#if WORLD == REGISTERS
  printf("%c releases it at once: in this world only tokens matter\n", NAME(c)); end(c)
#endif
}

/* A node with a SET under way is left out. */
#define send_extend(c, n) \
  drop(c, n, VOT); \
  if :: (f[3 * c + n] & (ASKED | REP)) == 0 -> put(c, n, EXT) :: else fi; \
  if :: has(c, n, FRESH) -> drop(c, n, FRESH); put(c, n, KNOWN) :: else fi

inline round(c)
{
  more[c] = more[c] || any(c, EXT | VOT) || then[c] > 0;
  then[c] = TTL; stale = stale & ~CBIT(c);
  every(c, send_extend);
  printf("%c sends a round of extension to all nodes\n", NAME(c))
}

#define voted(c, n) \
  drop(c, n, GOT); \
  if :: has(c, n, VOT) -> drop(c, n, VOT); put(c, n, GOT) :: else fi; \
  if :: has(c, n, KNOWN) -> drop(c, n, KNOWN); put(c, n, EST) :: else fi

inline extended(c)
{
  printf("%c EXTENDED its lease: %d ticks more, from the sending of the round\n", NAME(c), then[c]);
  unbroken(c);
  left[c] = then[c]; then[c] = 0; more[c] = 1; stale = stale & ~CBIT(c);
  excludes(c, 0); excludes(c, 1); excludes(c, 2);
  every(c, voted)
}

/* The greatest register of those who granted. */
#define register_of(c, n) if :: has(c, n, GOT) && reg[n] > j -> j = reg[n] :: else fi

#define BEGIN(c, p) :: d_step { st[c] == IDLE -> begin(c, p); settle() }
#define MAY_RAISE(c) ((st[c] == ASKS || st[c] == RAISES) && most(c, GOT) && !TOKEN_STANDS(c))
#define RAISE(c, p) :: d_step { MAY_RAISE(c) && tok[c] < p -> raise(c, p); settle() }

#if UNIT > 1
#define FIRST(c) BEGIN(c, CLOCK) BEGIN(c, CLOCK + 1)
#else
#define FIRST(c) BEGIN(c, CLOCK)
#endif
#if WORLD == REGISTERS     /* fewer raises than UNIT a tick: a token is a microsecond */
#define PROPOSE(c) FIRST(c) BEGIN(c, CLOCK + UNIT * SKEW) \
  :: d_step { \
       MAY_RAISE(c) -> j = 0; every(c, register_of); \
       if :: j >= tok[c] && j + 1 < CLOCK + UNIT * SKEW + UNIT -> j = j + 1; raise(c, j) :: else fi; settle() }
#elif !TOKENS || defined(NAIVE_TOKEN)
#define PROPOSE(c) BEGIN(c, 0)
#elif PROPOSALS == 2
#define PROPOSE(c) BEGIN(c, 1) BEGIN(c, 2) RAISE(c, 2) RAISE(c, 3)
#else
#define PROPOSE(c) BEGIN(c, 1) BEGIN(c, 2) BEGIN(c, 3) RAISE(c, 2) RAISE(c, 3) RAISE(c, 4)
#endif

#define GRANTED(c) ((st[c] == ASKS || st[c] == RAISES) && left[c] > 0 && (TOKENS -> TOKEN_STANDS(c) : most(c, GOT)))

#define CLIENT(c) \
  PROPOSE(c) \
  :: d_step { GRANTED(c) -> granted(c); settle() } \
  :: d_step { st[c] == ASKS || st[c] == RAISES -> printf("%c gives the attempt up, and sends its deletes\n", NAME(c)); end(c); settle() } \
  :: d_step { st[c] == HOLDS -> printf("%c releases its lease, and sends its deletes\n", NAME(c)); end(c); settle() } \
  :: d_step { EXTENDS(c) && st[c] == HOLDS -> round(c); settle() } \
  :: d_step { EXTENDS(c) && then[c] > 0 && most(c, VOT) -> extended(c); settle() }

/* --------------------------------------------- THE NETWORK, AND THE NODES --- */

#define SAY(n, text, c) printf(text, WHO(n), NAME(c))

/* SET key value NX PX ttl, first in the batch. It is refused if the key is held,
   or ALIEN: if it is held for a moment by what this model does not follow,
   an attempt that has ended. */
inline take(c, n, alien)
{
  drop(c, n, ASKED); put(c, n, HALF);
  if :: key[n] == 0 && !alien -> key[n] = VALUE(c); ttl[n] = TTL; put(c, n, TOOK); SAY(n, "node %d: the SET of %c takes the key\n", c)
     :: else -> SAY(n, "node %d: the SET of %c is refused\n", c)
  fi
}

/* Node n's grant counts as a vote for c. */
#define count(c, n) \
  votes_once(c, 0, n); votes_once(c, 1, n); votes_once(c, 2, n); \
  put(c, n, GOT); \
  if :: st[c] == RAISES -> put(c, n, RAI) :: else fi

/* ZADD register GT CH token, second in the batch; then the answer to both. */
inline propose(c, n, answered)
{
  drop(c, n, HALF);
#ifdef NAIVE_TOKEN
  reg[n]++; hit = true;
#else
  hit = TOKENS && PROP(c) > reg[n];
  if :: hit -> reg[n] = PROP(c); SAY(n, "node %d: the token of %c is accepted\n", c)
     :: else -> if :: TOKENS -> SAY(n, "node %d: the token of %c is not accepted\n", c) :: else fi
  fi;
#endif
  if :: !answered -> SAY(n, "node %d: but the answer to %c is lost\n", c) :: else fi;
  if :: !answered || !has(c, n, TOOK) -> proof[3 * c + n] = 0 :: else fi;
  if
  :: answered && has(c, n, TOOK) && st[c] == HOLDS ->
     if :: EXTENDS(c) -> put(c, n, ((STRAGGLERS && (!GUARDED || VERIFIED(c, n))) -> EST : FRESH)) :: else fi
  :: answered && has(c, n, TOOK) && st[c] != HOLDS && GUARDED && !VERIFIED(c, n) ->
     ON_UNVERIFIED(c, n);
     if :: EXTENDS(c) -> put(c, n, FRESH) :: else fi
  :: answered && has(c, n, TOOK) && st[c] != HOLDS && (!GUARDED || VERIFIED(c, n)) ->
     count(c, n);
     if :: st[c] == ASKS && hit -> put(c, n, ACC) :: else fi
#ifdef NAIVE_TOKEN
     ; if :: reg[n] > tok[c] -> tok[c] = reg[n] :: else fi
#endif
#ifdef ACCEPT_ANYWHERE
  :: answered && !has(c, n, TOOK) && st[c] == ASKS && hit -> put(c, n, ACC)
#endif
  :: else
  fi;
  drop(c, n, TOOK | OK);
  if :: !any(c, ASKED | HALF) -> prop[c] = 0 :: else fi
}

/* raise.lua */
inline raise_at(c, n)
{
  drop(c, n, RAI);
  if :: key[n] == VALUE(c) && tok[c] > reg[n] -> reg[n] = tok[c]; put(c, n, ACC); SAY(n, "node %d: the raise of %c is accepted\n", c)
     :: else -> SAY(n, "node %d: the raise of %c is not accepted\n", c)
  fi
}

#define vote(c, n) \
  if :: !any(c, VOT) -> stale = stale | (newer & CBIT(c)) :: else fi; \
  put(c, n, VOT)

/* extend.lua, and what the client learns from the answer. */
inline extend_at(c, n, answered, alien)
{
  drop(c, n, EXT);
  if
  :: key[n] == VALUE(c) ->
     SAY(n, "node %d: the key is still there for the extension of %c\n", c);
     ttl[n] = TTL;
     if :: tok[c] > reg[n] -> reg[n] = tok[c] :: else fi;
     if
     :: answered ->
        if :: PROOF_OVER(c, n) && (f[3 * c + n] & (EST | KNOWN)) -> drop(c, n, EST | KNOWN); put(c, n, FRESH) :: else fi;
        proof[3 * c + n] = then[c];
        if :: has(c, n, EST) -> if :: then[c] > 0 -> vote(c, n) :: else fi
           :: !has(c, n, EST) && !has(c, n, KNOWN) -> put(c, n, FRESH)
           :: else
        fi
     :: else
     fi
  :: key[n] == 0 && !alien ->
     SAY(n, "node %d: the key is absent for the extension of %c\n", c);
     ON_ABSENT(c, n);
     if
     :: answered ->
        drop(c, n, EST | KNOWN | FRESH);
        put(c, n, REP); proof[3 * c + n] = then[c]
     :: else
     fi
  :: else ->
     SAY(n, "node %d: the key is another's for the extension of %c\n", c);
     if :: answered -> drop(c, n, EST | KNOWN | FRESH); proof[3 * c + n] = 0 :: else fi
  fi;
  if :: !answered -> SAY(n, "node %d: but the answer to %c is lost\n", c) :: else fi
}

/* The repair: SET NX again, for a node that said "absent". */
inline repair_at(c, n, answered, alien)
{
  drop(c, n, REP);
  if :: key[n] == 0 && !alien -> key[n] = VALUE(c); ttl[n] = TTL; SAY(n, "node %d: the key is given back by the repair of %c\n", c)
     :: else -> SAY(n, "node %d: the key is not free for the repair of %c\n", c)
  fi;
  if :: answered ->
        if :: key[n] == VALUE(c) ->
              if :: tok[c] > reg[n] -> reg[n] = tok[c] :: else fi;
              if :: !has(c, n, EST) && !has(c, n, KNOWN) -> ON_REPAIRED(c, n) :: else fi
           :: else -> proof[3 * c + n] = 0
        fi
     :: else -> proof[3 * c + n] = 0; SAY(n, "node %d: but the answer to %c is lost\n", c)
  fi
}

#ifdef ONE_BY_ONE          /* other clients' commands come between those of a batch */
#define ASKING(c, n) \
  :: d_step { has(c, n, ASKED) -> take(c, n, false); settle() } \
  :: d_step { has(c, n, ASKED) && key[n] == 0 -> take(c, n, true); settle() } \
  :: d_step { has(c, n, HALF) -> propose(c, n, true); settle() }
#else
#define ASKING(c, n) \
  :: d_step { has(c, n, ASKED) -> take(c, n, false); propose(c, n, true); settle() } \
  :: d_step { has(c, n, ASKED) && key[n] == 0 -> take(c, n, true); propose(c, n, true); settle() }
#endif

#define LINK(c, n) \
  ASKING(c, n) \
  :: d_step { has(c, n, RAI) -> raise_at(c, n); settle() }

/* The call of a SET fails; the SET itself may arrive at any later time, any number
   of times, and nobody learns of it. */
#define set_lost(c, n, which) \
  drop(c, n, which | OK); put(c, n, LOST_SETS); proof[3 * c + n] = 0; SAY(n, "node %d: a call of %c fails, with a SET under way\n", c)

#define LONG_LINK(c, n) \
  :: d_step { has(c, n, ASKED) -> set_lost(c, n, ASKED); settle() } \
  :: d_step { has(c, n, REP) -> set_lost(c, n, REP); settle() } \
  :: d_step { has(c, n, LOST) && key[n] == 0 -> SAY(n, "node %d: a SET whose call had failed takes the key for %c\n", c); key[n] = VALUE(c); ttl[n] = TTL; settle() } \
  :: d_step { has(c, n, ASKED) -> take(c, n, false); propose(c, n, false); settle() } \
  :: d_step { has(c, n, EXT) -> extend_at(c, n, true, false); settle() } \
  :: d_step { has(c, n, EXT) -> extend_at(c, n, false, false); settle() } \
  :: d_step { has(c, n, EXT) && key[n] == 0 -> extend_at(c, n, true, true); settle() } \
  :: d_step { has(c, n, REP) -> repair_at(c, n, true, false); settle() } \
  :: d_step { has(c, n, REP) -> repair_at(c, n, false, false); settle() } \
  :: d_step { has(c, n, REP) && key[n] == 0 -> repair_at(c, n, true, true); settle() } \
  :: d_step { more[c] && key[n] == VALUE(c) && ttl[n] < TTL -> SAY(n, "node %d: a late extension of %c\n", c); ttl[n] = TTL; settle() }

/* What ended attempts left in the network. */
#define LATE(n) \
  :: d_step { LATE_HITS(n) -> printf("node %d: the late delete of an ended attempt deletes the key of %c\n", WHO(n), NAME(key[n] - 1)); key[n] = 0; ttl[n] = 0; settle() }

#define LATE_TOKEN(n, p) \
  :: d_step { reg[n] < p -> printf("node %d: the late token %d of an ended attempt is accepted\n", WHO(n), SHOWN(p)); reg[n] = p; settle() }

#if WORLD == CLOCKS && !defined(NAIVE_TOKEN)
#define LATE_TOKENS(n) LATE_TOKEN(n, 1) LATE_TOKEN(n, 2)
#else
#define LATE_TOKENS(n)
#endif

/* ------------------------------------------------------ TIME AND FAULTS --- */

#define down(v) less(v, 1)
#define age(v) less(v, UNIT)

#define in_hand(c, n) \
  if :: has(c, n, WAITS) && quar[n] == 0 -> \
        drop(c, n, WAITS); count(c, n); printf("%c has node %d's reply in hand, whose quarantine is over now\n", NAME(c), WHO(n)) \
     :: else \
  fi

/* One tick. In REGISTERS tokens are relative: CLOCK is what the slowest wall
   clock reads now and always, and all that was said before gets older. */
inline tick()
{
  printf("-- a tick --\n");
  for (i : 0 .. N - 1) {
    down(quar[i]);
    if :: ttl[i] == 1 -> key[i] = 0 :: else fi;
    down(ttl[i])
  }
#if WORLD == REGISTERS
  REBASE(UNIT);
  for (i : 0 .. N - 1) { age(reg[i]) }
  for (i : 0 .. CLIENTS - 1) { age(tok[i]); age(prop[i]) }
  age(top);
#endif
  run_down(0); run_down(1);
#if CLIENTS > 2
  run_down(2);
#endif
#ifdef LATE_GUARD
  in_hand(0, 0); in_hand(0, 1); in_hand(0, 2); in_hand(1, 0); in_hand(1, 1); in_hand(1, 2);
#endif
  skip
}

#define void(c, n) drop(c, n, VOT)

inline run_down(c)
{
  if
  :: st[c] != IDLE && !STOPPED(c) ->
     down(left[c]); down(proof[3 * c]); down(proof[3 * c + 1]); down(proof[3 * c + 2]);
     if :: then[c] == 1 -> stale = stale & ~CBIT(c); then[c] = 0; more[c] = 1; every(c, void) :: else down(then[c]) fi;
     if :: left[c] == 0 -> printf("%c's time is over\n", NAME(c)); end(c) :: else fi
  :: else
  fi
}

/* A request that has not arrived yet may arrive after the restart: Do's contract
   says "now or later". CUT is the milder world in which a restart ends it. */
#ifdef CUT
#define LOST_WITH_NODE (HALF | TOOK | OK | WAITS | ASKED | RAI | EXT | REP)
#else
#define LOST_WITH_NODE (HALF | TOOK | OK | WAITS)
#endif

inline lose(n)
{
  key[n] = 0; ttl[n] = 0; reg[n] = 0;
  drop(0, n, LOST_WITH_NODE); drop(1, n, LOST_WITH_NODE); drop(2, n, LOST_WITH_NODE)
}

#define RESTART(n, m, o) \
  :: d_step { quar[m] == 0 && quar[o] == 0 -> printf("node %d RESTARTS without its data\n", WHO(n)); lose(n); quar[n] = QUARANTINE; settle() }
#define WIPE(n) \
  :: d_step { key[n] != 0 -> printf("node %d LOSES its data, and nobody notices\n", WHO(n)); lose(n); settle() }

init
{
  d_step { WHO(0) = 1; WHO(1) = 2; WHO(2) = 3; x = 0 }
  do
  CLIENT(0)
  CLIENT(1)
  LINK(0, 0) LINK(0, 1) LINK(0, 2)
  LINK(1, 0) LINK(1, 1) LINK(1, 2)
#if CLIENTS > 2
  CLIENT(2)
  LINK(2, 0) LINK(2, 1) LINK(2, 2)
#endif
#if EXTENDERS > 0
  LONG_LINK(0, 0) LONG_LINK(0, 1) LONG_LINK(0, 2)
#endif
#if EXTENDERS > 1
  LONG_LINK(1, 0) LONG_LINK(1, 1) LONG_LINK(1, 2)
#endif
  LATE(0) LATE(1) LATE(2)
  LATE_TOKENS(0) LATE_TOKENS(1) LATE_TOKENS(2)
  :: d_step { tick(); settle() }
#if GUARDED
  RESTART(0, 1, 2) RESTART(1, 0, 2) RESTART(2, 0, 1)
#elif WORLD == MISTRUST
  WIPE(0) WIPE(1) WIPE(2)
#endif
  od
}
