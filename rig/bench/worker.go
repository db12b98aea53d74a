package bench

type workers struct{}

func (*workers) close() {}
