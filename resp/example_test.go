package resp_test

import (
	"fmt"
	"strings"

	"github.com/redlock-go/redlock/resp"
)

// What a node replies to GET, and how it reads in a log.
func ExampleOfText() {
	fmt.Println(resp.OfText("90"), resp.OfText("x\x00y"))
	// Output: "90" "x\x00y"
}

// What a node replies to INCR.
func ExampleOfInt() {
	reply := resp.OfInt(34)
	fmt.Println(reply, reply.Kind == resp.Int, reply.Int)
	// Output: 34 true 34
}

// What a node replies to MGET, of which one key does not exist: the zero Reply is Nil.
func ExampleOfArray() {
	reply := resp.OfArray(resp.OfText("90"), resp.Reply{}, resp.OfInt(3))
	fmt.Println(reply, len(reply.Items))
	// Output: ["90" nil 3] 3
}

// An error reply is a reply like any other: the node was reached, and the command failed.
func ExampleOfError() {
	reply := resp.OfError("NOSCRIPT No matching script")
	fmt.Println(reply, reply.Kind == resp.Error)
	// Output: error "NOSCRIPT No matching script" true
}

// The code tells errors apart; the words after it differ between servers.
func ExampleReply_Code() {
	for _, reply := range []resp.Reply{
		resp.OfError("NOSCRIPT No matching script"),
		resp.OfError("OOM command not allowed when used memory > 'maxmemory'."),
		resp.OfText("NOSCRIPT"), // the value of a key
	} {
		fmt.Printf("%q\n", reply.Code())
	}
	// Output:
	// "NOSCRIPT"
	// "OOM"
	// ""
}

// A number and its digits are two things on the wire.
func ExampleReply_Equal() {
	fmt.Println(resp.OfArray(resp.OfInt(1), resp.OfText("a")).Equal(resp.OfArray(resp.OfInt(1), resp.OfText("a"))))
	fmt.Println(resp.OfInt(1).Equal(resp.OfText("1")))
	fmt.Println(resp.OfText("").Equal(resp.Reply{})) // an empty value, and no value
	// Output:
	// true
	// false
	// false
}

// Whatever a node says, it fits in a line of a log.
func ExampleReply_String() {
	fmt.Println(resp.Reply{})
	fmt.Println(resp.OfArray(resp.OfInt(1), resp.OfText("two\nlines"), resp.OfError("ERR no")).String())
	fmt.Println(len(resp.OfText(strings.Repeat("x", 1_000_000)).String()) < 200)
	// Output:
	// nil
	// [1 "two\nlines" error "ERR no"]
	// true
}
