package tasktest_test

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"

	_ "github.com/lib/pq"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/ktask/ktask/integration/engines"
	"github.com/ktask/ktask/integration/tasktest"
	"github.com/ktask/ktask/local"
)

const postgresPort = "5432/tcp"

// postgres starts a database whose name in its network is "db", and returns the network and a connection.
func postgres(t *testing.T) (networkName string, db *sql.DB) {
	t.Helper()
	networkName = newNetwork(t)
	server, err := testcontainers.Run(t.Context(), "ktask.local/postgres:dev",
		testcontainers.WithEnv(map[string]string{"POSTGRES_PASSWORD": password}),
		testcontainers.WithExposedPorts(postgresPort),
		network.WithNetworkName([]string{"db"}, networkName),
		testcontainers.WithWaitStrategyAndDeadline(engines.Patience, wait.ForListeningPort(postgresPort).WithStartupTimeout(engines.Patience)))
	testcontainers.CleanupContainer(t, server, testcontainers.StopTimeout(0))
	if err != nil {
		t.Fatalf("start PostgreSQL (make images): %v", err)
	}
	address, err := server.PortEndpoint(t.Context(), postgresPort, "")
	if err != nil {
		t.Fatal(err)
	}
	dsn := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", password), Host: address, RawQuery: "sslmode=disable"}
	db, err = sql.Open("postgres", dsn.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return networkName, db
}

func withDriver(o *local.Options) { o.PythonImage = "ktask.local/psycopg:dev" }

// TestPostgres migrates a database with a task in the network of the database.
func TestPostgres(t *testing.T) {
	t.Parallel()
	network, db := postgres(t)
	migrate := func(t testing.TB, password string) tasktest.Result {
		return tasktest.Run(t, "testdata/migrate.yaml", tasktest.Task("migrate"), tasktest.Network(network),
			tasktest.Param("host", "db"), tasktest.Secret("db", password), tasktest.Configure(withDriver))
	}

	f := try(t, t.Context(), func(t testing.TB) { migrate(t, "wrong battery staple") })
	for _, want := range []string{"testdata/migrate.yaml: failed", "OperationalError", "password authentication failed for user \"postgres\"", "at testdata/migrate.yaml:"} {
		if !strings.Contains(f.failure, want) {
			t.Errorf("no %q in:\n%s", want, f.failure)
		}
	}
	if strings.Contains(f.failure, "staple") {
		t.Errorf("the password is shown:\n%s", f.failure)
	}
	t.Logf("with a wrong password:\n%s", f.failure)

	if r := migrate(t, password); r.Output() != "migrated\n" {
		t.Errorf("output %q", r.Output())
	}
	var item string
	if err := db.QueryRowContext(t.Context(), "SELECT item FROM orders").Scan(&item); err != nil || item != "potato" {
		t.Errorf("the database has %q, error %v", item, err)
	}
}
