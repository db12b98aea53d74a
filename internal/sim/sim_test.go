package sim

import "testing"

func TestQuiet(t *testing.T) {
	s, err := Parse(`
seed 1
client A
client B
at 0ms A acquire k1 hold 30ms
at 1ms B acquire k1 hold 5s
at 2ms A/1 try k1 hold 5s
end 10s
`)
	if err != nil {
		t.Fatal(err)
	}
	r := Run(s, true)
	t.Logf("%+v", r)
	t.Log(s)
}
