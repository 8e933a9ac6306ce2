package spec

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The types below are Keptn's custom resources as its schemas have them, all versions in one. A versions tag lists
// the versions that have a field: config/crd/bases/lifecycle.keptn.sh_{keptntaskdefinitions,keptntasks}.yaml.

type rawHeader struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   metav1.ObjectMeta `json:"metadata"`
}

type rawDefinition struct {
	rawHeader `json:",inline"`
	Spec      rawDefinitionSpec `json:"spec"`
	Status    any               `json:"status"`
}

type rawDefinitionSpec struct {
	Function  *rawFunction      `json:"function" versions:"v1alpha1,v1alpha2,v1alpha3,v1beta1"`
	Deno      *rawFunction      `json:"deno" versions:"v1alpha3,v1beta1,v1"`
	Python    *rawFunction      `json:"python" versions:"v1alpha3,v1beta1,v1"`
	Container *corev1.Container `json:"container" versions:"v1alpha3,v1beta1,v1"`

	Retries                      *int32                        `json:"retries" versions:"v1alpha3,v1beta1,v1"`
	Timeout                      *string                       `json:"timeout" versions:"v1alpha3,v1beta1,v1"`
	ServiceAccount               *rawServiceAccount            `json:"serviceAccount" versions:"v1alpha3,v1beta1,v1"`
	AutomountServiceAccountToken *rawAutomount                 `json:"automountServiceAccountToken" versions:"v1alpha3,v1beta1,v1"`
	TTLSecondsAfterFinished      *int32                        `json:"ttlSecondsAfterFinished" versions:"v1alpha3,v1beta1,v1"`
	ImagePullSecrets             []corev1.LocalObjectReference `json:"imagePullSecrets" versions:"v1alpha3,v1beta1,v1"`
}

type rawServiceAccount struct {
	Name *string `json:"name"`
}

type rawAutomount struct {
	Type *bool `json:"type"`
}

type rawFunction struct {
	FunctionRef      *rawNameRef          `json:"functionRef"`
	Inline           *rawInline           `json:"inline"`
	HTTPRef          *rawHTTPRef          `json:"httpRef"`
	ConfigMapRef     *rawNameRef          `json:"configMapRef"`
	Parameters       *rawParameters       `json:"parameters"`
	SecureParameters *rawSecureParameters `json:"secureParameters"`
	CmdParameters    *string              `json:"cmdParameters" versions:"v1alpha3,v1beta1,v1"`
}

type rawNameRef struct {
	Name string `json:"name"`
}

type rawInline struct {
	Code string `json:"code"`
}

type rawHTTPRef struct {
	URL string `json:"url"`
}

type rawParameters struct {
	Map map[string]*string `json:"map"`
}

type rawSecureParameters struct {
	Secret string `json:"secret"`
}

type rawTask struct {
	rawHeader `json:",inline"`
	Spec      rawTaskSpec `json:"spec"`
	Status    any         `json:"status"`
}

type rawTaskSpec struct {
	Workload         *string              `json:"workload" versions:"v1alpha1,v1alpha2"`
	WorkloadVersion  *string              `json:"workloadVersion" versions:"v1alpha1,v1alpha2"`
	AppName          *string              `json:"app" versions:"v1alpha1,v1alpha2"`
	AppVersion       *string              `json:"appVersion" versions:"v1alpha1,v1alpha2"`
	TaskDefinition   *string              `json:"taskDefinition"`
	Context          *rawContext          `json:"context"`
	Parameters       *rawParameters       `json:"parameters"`
	SecureParameters *rawSecureParameters `json:"secureParameters"`
	CheckType        *string              `json:"checkType"`
	Retries          *int32               `json:"retries" versions:"v1alpha3,v1beta1,v1"`
	Timeout          *string              `json:"timeout" versions:"v1alpha3,v1beta1,v1"`
}

type rawContext struct {
	WorkloadName    string             `json:"workloadName"`
	AppName         string             `json:"appName"`
	AppVersion      string             `json:"appVersion"`
	WorkloadVersion string             `json:"workloadVersion"`
	TaskType        string             `json:"taskType"`
	ObjectType      string             `json:"objectType"`
	Metadata        map[string]*string `json:"metadata" versions:"v1beta1,v1"`
}

// rawConfigMap and rawSecret have the fields of their kinds in v1. A null in their maps is an empty text to Kubernetes, and
// drops no key as it does in those of custom resources.
type rawConfigMap struct {
	rawHeader  `json:",inline"`
	Data       map[string]string `json:"data"`
	BinaryData map[string][]byte `json:"binaryData"`
	Immutable  *bool             `json:"immutable"`
}

type rawSecret struct {
	rawHeader  `json:",inline"`
	Data       map[string][]byte `json:"data"`
	StringData map[string]string `json:"stringData"`
	Type       corev1.SecretType `json:"type"`
	Immutable  *bool             `json:"immutable"`
}
