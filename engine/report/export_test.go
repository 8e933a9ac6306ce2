package report

// SetToken replaces the tokens that nobody can guess by one that a golden file can hold.
func (g *GitHub) SetToken(token string) { g.token = func() string { return token } }
