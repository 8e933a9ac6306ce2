package spec

import (
	corev1 "k8s.io/api/core/v1"
)

func (l *loader) container(raw *corev1.Container, s section) *Container {
	if raw == nil {
		raw = &corev1.Container{}
	}
	return &Container{Container: *raw, section: s}
}
