use super::*;

/// The API servers of an object.
fn servers(group: &str, version: &str, kind: &str, namespace: &str, object: &str) -> Vec<ApiServer> {
    let request = format!(
        r#"{{"kind": {{"group": "{group}", "version": "{version}", "kind": "{kind}"}}, "namespace": "{namespace}",
            "operation": "CREATE", "object": {object}}}"#
    );
    ApiServer::find(&crate::json::from_str::<Request<'_>>(&request).unwrap()).unwrap()
}

/// The flags of the one API server in a container of these fields, as `path name=value`; nothing when there is none.
fn flags(container: &str) -> Option<String> {
    let object = format!(r#"{{"spec": {{"containers": [{{"name": "a"}}, {{{container}}}]}}}}"#);
    let servers = servers("", "v1", "Pod", "kube-system", &object);
    assert!(servers.len() < 2);
    servers.first().map(shown)
}

fn shown(server: &ApiServer) -> String {
    let mut shown: Vec<String> = server
        .flags
        .iter()
        .map(|flag| format!("{} {}={}", flag.path.replace("spec.containers[1].", ""), flag.name, flag.value))
        .collect();
    if server.has_hidden_flags {
        shown.push("...".to_owned());
    }
    shown.join(", ")
}

#[test]
fn reads_command_lines() {
    for (container, expected) in [
        (
            r#""command": ["kube-apiserver", "--a=1", "--b", "2", "--c", "--d=x=y"]"#,
            "command[1] a=1, command[2] b=2, command[4] c=, command[5] d=x=y",
        ),
        (r#""command": ["/usr/local/bin/kube-apiserver"], "args": ["--a_b=1", "-v", "4", "--", "--c=1"]"#, "args[0] a-b=1"),
        (r#""command": ["/go-runner", "--log-file=x", "/usr/local/bin/kube-apiserver", "--a=1"]"#, "command[3] a=1"),
        (
            r#""image": "registry.example/kube-apiserver:1", "command": ["/start.sh", "kube-apiserver", "--a=1"]"#,
            "command[2] a=1",
        ),
        (r#""command": ["/hyperkube", "apiserver", "--a=1"]"#, "command[2] a=1"),
        (r#""image": "registry.k8s.io:443/kube-apiserver:v1.34.0@sha256:00", "args": ["--a=1"]"#, "args[0] a=1"),
        (
            r#""command": ["sh", "-c", "mkdir /x && exec kube-apiserver --a='1 2' --b \"3\" \\\n  --c=4 | tee log --d=5"]"#,
            "command[2] a=1 2, command[2] b=3, command[2] c=4",
        ),
        (r#""command": ["sh", "-c"], "args": ["set -e # kube-apiserver --x=1\nkube-apiserver --a=1\n"]"#, "args[0] a=1"),
        (r#""command": ["sh", "-c", "exec kube-apiserver \"$@\"", "sh"], "args": ["--a=1"]"#, "args[0] a=1"),
        (
            r#""command": ["kube-apiserver", "--a=$(A)", "$(MORE)"], "env": [{"name": "A", "value": "1"}]"#,
            "command[1] a=1, ...",
        ),
        (
            r#""command": ["sh", "-c", "kube-apiserver $FLAGS --b=${B}"], "env": [{"name": "FLAGS", "value": "--a=1 --c=2"}]"#,
            "command[2] a=1, command[2] c=2, command[2] b=${B}",
        ),
        (
            r#""command": ["k3s", "server", "--secrets-encryption", "--kube-apiserver-arg=a=1", "--kube-apiserver-arg", "b=2"]"#,
            "command[2] secrets-encryption=, command[3] a=1, command[4] b=2",
        ),
        (r#""image": "rancher/k3s:v1.33.0-k3s1", "args": ["server", "--token=x"]"#, "args[1] token=x"),
    ] {
        assert_eq!(flags(container).as_deref(), Some(expected), "{container}");
    }
}

#[test]
fn leaves_other_programs_alone() {
    for container in [
        r#""command": ["kube-controller-manager", "--a=1"]"#,
        r#""image": "registry.example/kube-apiserver-operator:1", "args": ["--a=1"]"#,
        r#""image": "registry.example/kube-apiserver:1", "command": ["sleep", "1"]"#,
        r#""command": ["sh", "-c", "echo 'kube-apiserver is up'"]"#,
        r#""command": ["pgrep", "kube-apiserver"]"#,
        r#""command": ["exec", "apiserver"]"#,
        r#""command": ["sh", "-c", "echo starting; pkill kube-apiserver --signal=9"]"#,
        r#""command": ["curl", "https://kube-apiserver:6443/healthz"]"#,
        r#""image": "rancher/k3s:v1.33.0-k3s1", "args": ["agent"]"#,
        r#""command": null, "args": null, "image": null"#,
    ] {
        assert_eq!(flags(container), None, "{container}");
    }
}

#[test]
fn knows_what_a_path_leads_into() {
    let object = r#"{"spec": {
        "volumes": [{"name": "pki", "hostPath": {"path": "/p"}}, {"name": "enc", "secret": {"secretName": "e"}}, {"name": "map", "configMap": {}}],
        "containers": [{"command": ["kube-apiserver"], "volumeMounts": [
            {"name": "pki", "mountPath": "/etc/kubernetes/"}, {"name": "enc", "mountPath": "/etc/kubernetes/enc"},
            {"name": "map", "mountPath": "/map.yaml"}, {"name": "gone", "mountPath": "/gone"}]}]}}"#;
    let servers = servers("", "v1", "Pod", "kube-system", object);
    let source = |path: &str| servers[0].source_of(path);
    for (path, expected) in [
        ("/etc/kubernetes/enc.yaml", Some(Source::Host)),
        ("/etc//kubernetes/./enc/a.yaml", Some(Source::Secret)),
        ("/map.yaml", Some(Source::ConfigMap)),
        ("/gone/x", Some(Source::Nothing)),
        ("/etc/kubernetes/../x", None),
        ("/etc/kubernetes-enc/x", None),
        ("etc/kubernetes/x", None),
        ("", None),
    ] {
        assert_eq!(source(path), expected, "{path}");
    }
}

#[test]
fn reads_what_kubeadm_is_told() {
    let map = r#"{"apiServer": {"extraArgs": {"a": "1", "b_c": "2"}, "extraVolumes": [{"mountPath": "/enc"}]}}"#;
    let list = r#"{"apiServer": {"extraArgs": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}, "certificatesDir": "/certs"}"#;
    let one = |version: &str, object: &str| servers("kubeadm.k8s.io", version, "ClusterConfiguration", "", object).remove(0);
    let server = one("v1beta3", map);
    assert_eq!(shown(&server), "apiServer.extraArgs.a a=1, apiServer.extraArgs[b_c] b-c=2".replace("[b_c]", ".b_c"));
    assert_eq!(
        (server.form, server.source_of("/enc/x").is_some(), server.source_of("/etc/kubernetes/pki/x").is_some()),
        (Form::ArgumentMap, true, true)
    );
    let server = one("v1beta4", list);
    assert_eq!(
        server.flag("a").map(|flag| (flag.value.as_str(), flag.path.as_str())),
        Some(("2", "apiServer.extraArgs[1].value"))
    );
    assert_eq!(
        (server.form, server.source_of("/certs/x").is_some(), server.source_of("/etc/kubernetes/pki/x").is_some()),
        (Form::ArgumentList, true, false)
    );
    assert_eq!(shown(&one("v1beta4", "{}")), "");

    let plane =
        |kind: &str, object: String| servers("controlplane.cluster.x-k8s.io", "v1beta2", kind, "clusters", &object).remove(0);
    let config = format!(r#"{{"kubeadmConfigSpec": {{"clusterConfiguration": {list}}}}}"#);
    let server = plane("KubeadmControlPlane", format!(r#"{{"spec": {config}}}"#));
    assert_eq!(server.path, "spec.kubeadmConfigSpec.clusterConfiguration.apiServer.extraArgs");
    let server = plane("KubeadmControlPlaneTemplate", format!(r#"{{"spec": {{"template": {{"spec": {config}}}}}}}"#));
    assert_eq!(server.flag("a").map(|flag| flag.value.as_str()), Some("2"));
    assert_eq!(
        (server.path.as_str(), server.form),
        ("spec.template.spec.kubeadmConfigSpec.clusterConfiguration.apiServer.extraArgs", Form::ArgumentList)
    );
}

#[test]
fn reads_what_kubeadm_keeps_in_the_cluster() {
    let config_map = |name: &str, namespace: &str, text: &str| {
        let object = format!(
            r#"{{"metadata": {{"name": "{name}"}}, "data": {{"ClusterConfiguration": "{}"}}}}"#,
            text.replace('"', "\\\"").replace('\n', "\\n")
        );
        servers("", "v1", "ConfigMap", namespace, &object)
    };
    let list = "apiServer:\n  extraArgs:\n  - name: authorization-mode\n    value: Node,RBAC\n  - name: enc\n    value: \"/enc/a.yaml\" # here\n  extraVolumes:\n  - hostPath: /enc\n    mountPath: /enc\n    name: enc\napiVersion: kubeadm.k8s.io/v1beta4\ncontrollerManager:\n  extraArgs:\n  - name: not\n    value: ours\n";
    let servers = config_map("kubeadm-config", "kube-system", list);
    let path = "data.ClusterConfiguration";
    assert_eq!(shown(&servers[0]), format!("{path} authorization-mode=Node,RBAC, {path} enc=/enc/a.yaml"));
    assert_eq!((servers[0].form, servers[0].source_of("/enc/a.yaml").is_some()), (Form::ArgumentList, true));

    let map = "# kubeadm\napiServer:\n    certSANs:\n    -   a.example\n    extraArgs:\n        'a': \"1\"\n\n        note: |\n            extraArgs: no\n        b: 2 # two\n    timeoutForControlPlane: 4m0s\nkind: ClusterConfiguration\n";
    let servers = config_map("kubeadm-config", "kube-system", map);
    assert_eq!(shown(&servers[0]), format!("{path} a=1, {path} b=2"));
    assert_eq!(servers[0].form, Form::ArgumentMap);

    assert!(config_map("kubeadm-config", "shop", map).is_empty());
    assert!(config_map("other", "kube-system", map).is_empty());
}

#[test]
fn finds_files_with_their_content() {
    let object =
        r#"{"spec": {"kubeadmConfigSpec": {"files": [{"path": "/a", "contentFrom": {}}, {"path": "/b", "content": "text"}]}}}"#;
    let request = format!(
        r#"{{"kind": {{"group": "controlplane.cluster.x-k8s.io", "version": "v1beta1", "kind": "KubeadmControlPlane"}}, "object": {object}}}"#
    );
    let files = InlineFile::find(&crate::json::from_str::<Request<'_>>(&request).unwrap()).unwrap();
    let [InlineFile { name, content, path }] = files.as_slice() else { panic!("{files:?}") };
    assert_eq!((name.as_str(), content.as_str(), path.as_str()), ("/b", "text", "spec.kubeadmConfigSpec.files[1].content"));
}
