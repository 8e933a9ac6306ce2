package main

import (
	"context"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	api "k8s.io/client-go/tools/clientcmd/api"
)

const (
	// bridge is the network of the pods and address the node's in it: the kubelet takes no loopback address.
	bridge  = "ktask-cluster"
	address = "10.88.77.1"
	subnet  = "10.88.77.0/24"
	// service is the address of the API server in pods; without kube-proxy nothing answers there.
	service = "10.96.0.1"
	// pause is the image of what holds the namespaces of a pod.
	pause = "ktask.local/pause:dev"
	node  = "ktask"

	apiPort, etcdPort, etcdPeerPort          = 16443, 12379, 12380
	kubeletPort, kubeletHealthPort           = 11250, 11248
	controllerManagerPort, schedulerPort     = 16257, 16259
	startsWithin                             = 2 * time.Minute
	stopsWithin                              = 20 * time.Second
	containerdSocket, containerdNamespace    = "containerd/socket", "k8s.io"
	componentsDirectory, kubeconfigName      = "components", "kubeconfig"
	sysctlsName                              = "sysctls.json"
	everyone, adminGroup, nodeGroup, hostBin = 0o644, "system:masters", "system:nodes", "/usr/lib/cni"
)

// cluster is a cluster that has its files in a directory.
type cluster struct{ dir string }

// here returns the cluster of this program: its files are beside it.
func here() (cluster, error) {
	program, err := os.Executable()
	return cluster{filepath.Dir(program)}, err
}

func (c cluster) path(parts ...string) string {
	return filepath.Join(append([]string{c.dir}, parts...)...)
}

// up starts what does not run yet, and returns when the node is ready and has the images.
func up() error {
	c, err := here()
	if err != nil {
		return err
	}
	for _, dir := range []string{"pki", componentsDirectory, "containerd/cni", "etcd", "kubelet", "logs"} {
		if err := os.MkdirAll(c.path(dir), 0o755); err != nil {
			return err
		}
	}
	c.forgetEnded()
	for _, step := range []func() error{c.issueAll, c.makeBridge, c.startContainerd, c.importImages, c.startControlPlane, c.startKubelet} {
		if err := step(); err != nil {
			return err
		}
	}
	fmt.Println(c.path("pki", kubeconfigName))
	return nil
}

// issueAll makes certificates and kubeconfigs, once.
func (c cluster) issueAll() error {
	if _, err := os.Stat(c.path("pki", kubeconfigName)); err == nil {
		return nil
	}
	ca, err := newAuthority(c.path("pki", "ca.crt"))
	if err != nil {
		return err
	}
	own := []net.IP{net.ParseIP("127.0.0.1"), net.ParseIP(address), net.ParseIP(service)}
	users := map[string]pkix.Name{
		kubeconfigName:       {CommonName: "admin", Organization: []string{adminGroup}},
		"controller-manager": {CommonName: "system:kube-controller-manager"},
		"scheduler":          {CommonName: "system:kube-scheduler"},
		"kubelet":            {CommonName: "system:node:" + node, Organization: []string{nodeGroup}},
		"apiserver-client":   {CommonName: "kube-apiserver", Organization: []string{adminGroup}},
	}
	failures := []error{
		issueTokens(c.path("pki", "tokens")),
		ca.issue(c.path("pki", "apiserver"), pkix.Name{CommonName: "kube-apiserver"}, own, "localhost", "kubernetes.default.svc"),
		ca.issue(c.path("pki", "kubelet-server"), pkix.Name{CommonName: "system:node:" + node}, own, node),
	}
	for name, subject := range users {
		failures = append(failures, ca.issue(c.path("pki", name), subject, nil), c.writeKubeconfig(name))
	}
	return errors.Join(failures...)
}

func (c cluster) writeKubeconfig(user string) error {
	config := api.NewConfig()
	config.Clusters[node] = &api.Cluster{Server: fmt.Sprintf("https://127.0.0.1:%d", apiPort), CertificateAuthority: c.path("pki", "ca.crt")}
	config.AuthInfos[user] = &api.AuthInfo{ClientCertificate: c.path("pki", user+".crt"), ClientKey: c.path("pki", user+".key")}
	config.Contexts[node] = &api.Context{Cluster: node, AuthInfo: user}
	config.CurrentContext = node
	return clientcmd.WriteToFile(*config, c.kubeconfig(user))
}

// kubeconfig returns the file of a user; that of the administrator has no ending.
func (c cluster) kubeconfig(user string) string {
	if user == kubeconfigName {
		return c.path("pki", user)
	}
	return c.path("pki", user+".kubeconfig")
}

func (c cluster) makeBridge() error {
	if _, err := net.InterfaceByName(bridge); err == nil {
		return nil
	}
	for _, args := range [][]string{
		{"link", "add", bridge, "type", "bridge"}, {"addr", "add", address + "/24", "dev", bridge}, {"link", "set", bridge, "up"},
	} {
		if err := run("ip", args...); err != nil {
			return err
		}
	}
	return nil
}

// startControlPlane starts what a kubelet needs, and waits for its API server.
func (c cluster) startControlPlane() error {
	etcd := fmt.Sprintf("http://127.0.0.1:%d", etcdPort)
	peer := fmt.Sprintf("http://127.0.0.1:%d", etcdPeerPort)
	if err := c.start("etcd", "--name", node, "--data-dir", c.path("etcd"), "--unsafe-no-fsync", "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", node+"="+peer); err != nil {
		return err
	}
	pki := func(name string) string { return c.path("pki", name) }
	if err := c.start("kube-apiserver", "--etcd-servers="+etcd, "--secure-port="+strconv.Itoa(apiPort), "--advertise-address="+address,
		"--tls-cert-file="+pki("apiserver.crt"), "--tls-private-key-file="+pki("apiserver.key"), "--client-ca-file="+pki("ca.crt"),
		"--kubelet-client-certificate="+pki("apiserver-client.crt"), "--kubelet-client-key="+pki("apiserver-client.key"),
		"--kubelet-certificate-authority="+pki("ca.crt"), "--kubelet-preferred-address-types=InternalIP",
		"--service-account-key-file="+pki("tokens.pub"), "--service-account-signing-key-file="+pki("tokens.key"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.96.0.0/16",
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction"); err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	if err := c.await("the API server is ready", func(ctx context.Context) error {
		return client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	}); err != nil {
		return err
	}
	user := func(name string) []string {
		file := c.kubeconfig(name)
		return []string{"--kubeconfig=" + file, "--authentication-kubeconfig=" + file, "--authorization-kubeconfig=" + file, "--bind-address=127.0.0.1", "--leader-elect=false"}
	}
	return errors.Join(
		c.start("kube-controller-manager", append(user("controller-manager"), "--secure-port="+strconv.Itoa(controllerManagerPort), "--root-ca-file="+pki("ca.crt"),
			"--service-account-private-key-file="+pki("tokens.key"), "--use-service-account-credentials=true")...),
		c.start("kube-scheduler", append(user("scheduler"), "--secure-port="+strconv.Itoa(schedulerPort))...),
	)
}

func (c cluster) client() (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig(kubeconfigName))
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

// startKubelet starts the kubelet, and waits until its node and the service account of pods are there.
func (c cluster) startKubelet() error {
	config := fmt.Sprintf(kubeletConfig, c.path("pki"), address, kubeletPort, kubeletHealthPort, c.path(containerdSocket), c.path("logs"))
	if err := os.WriteFile(c.path("kubelet.yaml"), []byte(config), everyone); err != nil {
		return err
	}
	before, err := c.sysctls()
	if err != nil {
		return err
	}
	ran, starts := c.runs("kubelet"), time.Now().Truncate(time.Second)
	if err := c.start("kubelet", "--config="+c.path("kubelet.yaml"), "--kubeconfig="+c.kubeconfig("kubelet"), "--root-dir="+c.path("kubelet"),
		"--cert-dir="+c.path("kubelet", "pki"), "--hostname-override="+node, "--node-ip="+address); err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	// The API server may have the state of a kubelet that was killed. The new one has changed the settings of the kernel when it is ready.
	err = c.await("the node is ready", func(ctx context.Context) error {
		n, err := client.CoreV1().Nodes().Get(ctx, node, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range n.Status.Conditions {
			if condition.Type == "Ready" && condition.Status == "True" && (ran || !condition.LastHeartbeatTime.Time.Before(starts)) {
				_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
				return err
			}
		}
		return errors.New("the node is not ready")
	})
	return errors.Join(err, before.restore())
}

// run runs a program to its end.
func run(program string, args ...string) error {
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, out)
	}
	return nil
}
