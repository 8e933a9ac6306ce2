package report

// SetToken replaces the random tokens with one for golden files.
func (g *GitHub) SetToken(token string) { g.token = func() string { return token } }
