// Package api holds the API that manifests are written in: the types that JSON is decoded into, their fields in each version,
// and the names that Keptn and Kubernetes define. It checks nothing.
package api

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The types below follow Keptn's custom resource definitions and combine all versions of a kind. A versions tag lists the
// versions that have a field. See config/crd/bases/lifecycle.keptn.sh_*.yaml in Keptn.

type Header struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   metav1.ObjectMeta `json:"metadata"`
}

type Definition struct {
	Header `json:",inline"`
	Spec   DefinitionSpec `json:"spec"`
	Status any            `json:"status"`
}

type DefinitionSpec struct {
	Function  *Function         `json:"function" versions:"v1alpha1,v1alpha2,v1alpha3,v1beta1"`
	Deno      *Function         `json:"deno" versions:"v1alpha3,v1beta1,v1"`
	Python    *Function         `json:"python" versions:"v1alpha3,v1beta1,v1"`
	Container *corev1.Container `json:"container" versions:"v1alpha3,v1beta1,v1"`

	Retries                      *int32                        `json:"retries" versions:"v1alpha3,v1beta1,v1"`
	Timeout                      *string                       `json:"timeout" versions:"v1alpha3,v1beta1,v1"`
	ServiceAccount               *ServiceAccount               `json:"serviceAccount" versions:"v1alpha3,v1beta1,v1"`
	AutomountServiceAccountToken *Automount                    `json:"automountServiceAccountToken" versions:"v1alpha3,v1beta1,v1"`
	TTLSecondsAfterFinished      *int32                        `json:"ttlSecondsAfterFinished" versions:"v1alpha3,v1beta1,v1"`
	ImagePullSecrets             []corev1.LocalObjectReference `json:"imagePullSecrets" versions:"v1alpha3,v1beta1,v1"`
}

type ServiceAccount struct {
	Name *string `json:"name"`
}

type Automount struct {
	Type *bool `json:"type"`
}

type Function struct {
	FunctionRef      *NameRef          `json:"functionRef"`
	Inline           *Inline           `json:"inline"`
	HTTPRef          *HTTPRef          `json:"httpRef"`
	ConfigMapRef     *NameRef          `json:"configMapRef"`
	Parameters       *Parameters       `json:"parameters"`
	SecureParameters *SecureParameters `json:"secureParameters"`
	CmdParameters    *string           `json:"cmdParameters" versions:"v1alpha3,v1beta1,v1"`
}

type NameRef struct {
	Name string `json:"name"`
}

type Inline struct {
	Code string `json:"code"`
}

type HTTPRef struct {
	URL string `json:"url"`
}

type Parameters struct {
	Map map[string]*string `json:"map"`
}

type SecureParameters struct {
	Secret string `json:"secret"`
}

type Task struct {
	Header `json:",inline"`
	Spec   TaskSpec `json:"spec"`
	Status any      `json:"status"`
}

type TaskSpec struct {
	Workload         *string           `json:"workload" versions:"v1alpha1,v1alpha2"`
	WorkloadVersion  *string           `json:"workloadVersion" versions:"v1alpha1,v1alpha2"`
	AppName          *string           `json:"app" versions:"v1alpha1,v1alpha2"`
	AppVersion       *string           `json:"appVersion" versions:"v1alpha1,v1alpha2"`
	TaskDefinition   *string           `json:"taskDefinition"`
	Context          *Context          `json:"context"`
	Parameters       *Parameters       `json:"parameters"`
	SecureParameters *SecureParameters `json:"secureParameters"`
	CheckType        *string           `json:"checkType"`
	Retries          *int32            `json:"retries" versions:"v1alpha3,v1beta1,v1"`
	Timeout          *string           `json:"timeout" versions:"v1alpha3,v1beta1,v1"`
}

type Context struct {
	WorkloadName    string             `json:"workloadName"`
	AppName         string             `json:"appName"`
	AppVersion      string             `json:"appVersion"`
	WorkloadVersion string             `json:"workloadVersion"`
	TaskType        string             `json:"taskType"`
	ObjectType      string             `json:"objectType"`
	Metadata        map[string]*string `json:"metadata" versions:"v1beta1,v1"`
}

type App struct {
	Header `json:",inline"`
	Spec   AppSpec `json:"spec"`
	Status any     `json:"status"`
}

type AppSpec struct {
	Version   *string       `json:"version"`
	Revision  *int32        `json:"revision" versions:"v1alpha2,v1alpha3,v1beta1,v1"`
	Workloads []WorkloadRef `json:"workloads"`

	PreDeploymentTasks        []string `json:"preDeploymentTasks" versions:"v1alpha1,v1alpha2,v1alpha3"`
	PostDeploymentTasks       []string `json:"postDeploymentTasks" versions:"v1alpha1,v1alpha2,v1alpha3"`
	PreDeploymentEvaluations  []string `json:"preDeploymentEvaluations" versions:"v1alpha1,v1alpha2,v1alpha3"`
	PostDeploymentEvaluations []string `json:"postDeploymentEvaluations" versions:"v1alpha1,v1alpha2,v1alpha3"`
}

type WorkloadRef struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type AppContext struct {
	Header `json:",inline"`
	Spec   AppContextSpec `json:"spec"`
	Status any            `json:"status"`
}

type AppContextSpec struct {
	PreDeploymentTasks        []string           `json:"preDeploymentTasks"`
	PostDeploymentTasks       []string           `json:"postDeploymentTasks"`
	PromotionTasks            []string           `json:"promotionTasks"`
	PreDeploymentEvaluations  []string           `json:"preDeploymentEvaluations"`
	PostDeploymentEvaluations []string           `json:"postDeploymentEvaluations"`
	Metadata                  map[string]*string `json:"metadata"`
	SpanLinks                 []string           `json:"spanLinks"`
}

// Config is a KeptnConfig, which configures the operator.
type Config struct {
	Header `json:",inline"`
	Spec   ConfigSpec `json:"spec"`
	Status *string    `json:"status"`
}

type ConfigSpec struct {
	OTelCollectorURL                      *string `json:"OTelCollectorUrl"`
	KeptnAppCreationRequestTimeoutSeconds *int64  `json:"keptnAppCreationRequestTimeoutSeconds"`
	CloudEventsEndpoint                   *string `json:"cloudEventsEndpoint"`
	BlockDeployment                       *bool   `json:"blockDeployment"`
	ObservabilityTimeout                  *string `json:"observabilityTimeout"`
}

// ConfigMap and Secret have the fields of their kinds in v1. In their maps a null is an empty string; in the maps of custom
// resources it removes the key.
type ConfigMap struct {
	Header     `json:",inline"`
	Data       map[string]string `json:"data"`
	BinaryData map[string][]byte `json:"binaryData"`
	Immutable  *bool             `json:"immutable"`
}

type Secret struct {
	Header     `json:",inline"`
	Data       map[string][]byte `json:"data"`
	StringData map[string]string `json:"stringData"`
	Type       corev1.SecretType `json:"type"`
	Immutable  *bool             `json:"immutable"`
}

// List is a list of any kind: kubectl rejects other fields.
type List struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Metadata   metav1.ListMeta `json:"metadata"`
	Items      []any           `json:"items"`
}
