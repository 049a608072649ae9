//! Manifests as teams have them, as many as are asked for, and the same ones each time.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// A pod of four containers with twelve variables each.
pub fn pod() -> Value {
    let container = |index: usize| {
        let env: Vec<Value> = (0..12)
            .map(|variable| match variable % 4 {
                0 => json!({"name": format!("SERVICE_{variable}_URL"), "value": format!("http://service-{variable}.shop.svc.cluster.local:8000/")}),
                1 => json!({"name": format!("FEATURE_{variable}_ENABLED"), "value": "true"}),
                2 => json!({"name": format!("TOKEN_{variable}"), "valueFrom": {"secretKeyRef": {"name": "shop", "key": format!("token-{variable}")}}}),
                _ => json!({"name": format!("LOG_FORMAT_{variable}"), "value": "%(asctime)s %(levelname)s %(name)s %(message)s"}),
            })
            .collect();
        json!({
            "name": format!("container-{index}"),
            "image": format!("registry.example.com/shop/service-{index}:1.4.{index}"),
            "args": ["gunicorn", "shop.wsgi:application", "--bind=0.0.0.0:8000", "--workers=3"],
            "env": env,
            "ports": [{"containerPort": 8000 + index}],
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        })
    };
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bench", "namespace": "shop", "labels": {"app": "bench", "tier": "web"}},
        "spec": {"serviceAccountName": "shop", "containers": (0..4).map(container).collect::<Vec<_>>()},
    })
}

/// How many applications share a namespace.
const PER_NAMESPACE: usize = 20;

/// That many objects in one YAML text: applications, each of a Deployment, Service, ConfigMap, Role, RoleBinding and NetworkPolicy.
pub fn manifests(objects: usize) -> String {
    let mut text = String::new();
    for index in 0..objects {
        let application = index / 6;
        let namespace = format!("team-{}", application / PER_NAMESPACE);
        let name = format!("app-{application}");
        text.push_str("---\n");
        let _ = match index % 6 {
            0 => write!(text, "{}", deployment(&namespace, &name, application)),
            1 => write!(
                text,
                "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  selector: {{app: {name}}}\n  ports: [{{port: 80, targetPort: 8000}}]\n"
            ),
            2 => write!(
                text,
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata:\n  DJANGO_SETTINGS_MODULE: shop.settings.production\n  ALLOWED_HOSTS: {name}.example.com\n  gunicorn.conf.py: |\n    bind = \"0.0.0.0:8000\"\n    workers = 3\n"
            ),
            3 => write!(
                text,
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: {name}, namespace: {namespace}}}\nrules:\n  - apiGroups: [\"\"]\n    resources: [configmaps]\n    resourceNames: [{name}]\n    verbs: [get, watch]\n  - apiGroups: [apps]\n    resources: [{}]\n    verbs: [get, list]\n",
                if application % 10 == 0 { "\"*\"" } else { "deployments" }
            ),
            4 => write!(
                text,
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: {name}, namespace: {namespace}}}\nsubjects: [{{kind: ServiceAccount, name: {name}, namespace: {namespace}}}]\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {name}}}\n"
            ),
            _ => write!(
                text,
                "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  podSelector: {{matchLabels: {{app: {name}}}}}\n  policyTypes: [Ingress, Egress]\n  ingress:\n    - from: [{{podSelector: {{matchLabels: {{app: gateway}}}}}}]\n      ports: [{{port: 8000}}]\n  egress:\n    - to: [{{podSelector: {{matchLabels: {{app: database}}}}}}]\n      ports: [{{port: 5432}}]\n"
            ),
        };
    }
    text
}

fn deployment(namespace: &str, name: &str, application: usize) -> String {
    let mut text = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  namespace: {namespace}\n  labels: {{app: {name}}}\nspec:\n  replicas: 3\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      serviceAccountName: {name}\n      containers:\n"
    );
    for container in ["web", "worker"] {
        let _ = write!(
            text,
            "        - name: {container}\n          image: registry.example.com/{namespace}/{name}:1.0.{application}\n          args: [gunicorn, \"shop.wsgi:application\"]\n          env:\n"
        );
        for variable in 0..8 {
            let _ = match variable {
                // One application in ten has what the policies look for.
                0 if application % 10 == 3 => {
                    writeln!(text, "            - {{name: DATABASE_PASSWORD, value: \"correct-horse-{application}\"}}")
                }
                0 => writeln!(
                    text,
                    "            - {{name: DATABASE_PASSWORD, valueFrom: {{secretKeyRef: {{name: {name}, key: password}}}}}}"
                ),
                _ => writeln!(text, "            - {{name: OPTION_{variable}, value: \"value {variable} of {name}\"}}"),
            };
        }
        text.push_str("          resources: {requests: {cpu: 100m, memory: 128Mi}}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use palisade_harness::yaml;

    #[test]
    fn what_is_generated_is_the_same_each_time_and_can_be_read() {
        let text = super::manifests(130);
        assert_eq!(text, super::manifests(130));
        let documents: Vec<_> = yaml::documents(&text).into_iter().map(|document| document.expect("a document")).collect();
        assert_eq!(documents.len(), 130);
        assert!(
            documents.iter().all(|document| document.value()["metadata"]["namespace"]
                .as_str()
                .is_some_and(|name| name.starts_with("team-")))
        );
    }
}
