{{/* What is known of the policies. */}}
{{- define "palisade.data" -}}
{{- .Files.Get "policies.yaml" -}}
{{- end }}

{{/* The labels of an object: root, name, component, version. */}}
{{- define "palisade.labels" -}}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/part-of: palisade
app.kubernetes.io/version: {{ .version | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The policies that are deployed, with their settings and what they look up: a map by name, as JSON. */}}
{{- define "palisade.enabled" -}}
{{- $root := . -}}
{{- $enabled := dict -}}
{{- range $name, $policy := (include "palisade.data" . | fromYaml).policies -}}
  {{- $own := get $root.Values.policies $name | default dict -}}
  {{- $profile := get $policy.profiles $root.Values.profile -}}
  {{- if ternary $own.enabled $profile.enabled (kindIs "bool" $own.enabled) -}}
    {{- /* No mergeOverwrite: it would not take over what is false or empty. */ -}}
    {{- $settings := deepCopy $profile.settings -}}
    {{- range $key, $value := $own.settings -}}
      {{- if eq $key "rules" -}}
        {{- $levels := get $settings "rules" | default dict -}}
        {{- range $rule, $level := $value -}}
          {{- /* A boolean is what YAML makes of `off` without quotes. */ -}}
          {{- $_ := set $levels $rule (ternary "off" $level (kindIs "bool" $level)) -}}
        {{- end -}}
        {{- $value = $levels -}}
      {{- end -}}
      {{- $_ := set $settings $key $value -}}
    {{- end -}}
    {{- $lookups := list -}}
    {{- range $resource := $policy.contextAwareResources -}}
      {{- $wanted := true -}}
      {{- with $resource.unlessOff -}}
        {{- $wanted = ne "off" (get ($settings.rules | default dict) . | default "" | toString) -}}
      {{- end -}}
      {{- with $resource.namedIn -}}
        {{- $wanted = has (printf "%s/%s" $resource.apiVersion $resource.kind) (get $settings . | default list) -}}
      {{- end -}}
      {{- if $wanted -}}{{- $lookups = append $lookups $resource -}}{{- end -}}
    {{- end -}}
    {{- $_ := set $enabled $name (dict "settings" $settings "lookups" $lookups) -}}
  {{- end -}}
{{- end -}}
{{- $enabled | toJson -}}
{{- end }}
