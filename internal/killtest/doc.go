// Package killtest kills a program with SIGKILL, again and again, and checks what is left.
//
// A [Target] is a flow over the driver under test, and what must hold of it. The test
// binary runs itself anew as the program: [Main] in TestMain is what the program runs,
// [Test] is what kills it. The program tells through a pipe which messages it has in
// hand; a kill counts only when there are some. [Queue], [Store] and [Sink] make the
// targets of a driver, so that a new one joins by one line:
//
//	var targets = killtest.Queue("queueconn", openQueue)
//
//	func TestMain(m *testing.M) { killtest.Main(m, targets...) }
//
//	func TestKill(t *testing.T) { killtest.Test(t, targets...) }
//
// A [Pair] is a source and a sink, which claim a [connector.Grade] by what they declare.
// [Targets] makes the programs that prove it, and [GradeTable] the table for the
// documents, from the same list: a new driver joins by one [From] or one [Into].
package killtest
