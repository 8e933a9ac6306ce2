// Command cluster is a Kubernetes cluster of one node for tests: etcd, the control plane and the kubelet, all in one program, on the
// containerd, runc and network plugins of the system.
//
//	cluster up    starts it and writes its kubeconfig
//	cluster down  stops it, and removes what it has on the machine
//
// Any other first argument is the name of a component, which up starts.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	components := map[string]func() *cobra.Command{
		"kube-apiserver":          apiserver.NewAPIServerCommand,
		"kube-controller-manager": controllermanager.NewControllerManagerCommand,
		"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
		"kubelet":                 kubelet.NewKubeletCommand,
	}
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	os.Args = os.Args[min(1, len(os.Args)-1):]
	component, ok := components[name]
	switch {
	case ok:
		os.Exit(cli.Run(component()))
	case name == "etcd":
		etcdmain.Main(os.Args)
	case name == "up" || name == "down":
		if err := map[string]func() error{"up": up, "down": down}[name](); err != nil {
			fmt.Fprintln(os.Stderr, "cluster:", err)
			os.Exit(1)
		}
	default:
		fmt.Fprintln(os.Stderr, "usage: cluster up|down")
		os.Exit(2)
	}
}
