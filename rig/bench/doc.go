// Package bench measures what a lock costs: this library, its peers, and a floor
// that does the least that a lock over N nodes can do, all in one run, on real
// redis-servers.
//
//	contestant/  the libraries, each behind the same two calls
//	stat/        medians, percentiles, Jain's index
//	report/      tables and targets in Markdown
//	chart/       pictures in SVG
//
// What is compared takes turns (A B C A B C …), so that whatever else the machine
// does hits all alike; what is told is the median over the turns, with the least
// and the greatest. Nothing here is asserted: times depend on the machine, and the
// ratios are what counts.
package bench
