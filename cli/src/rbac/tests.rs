use std::fs;

use super::*;
use crate::config::Config;
use crate::input;

const TODAY: &str = "2026-11-24";

/// The report of a text in YAML: objects whose `apiVersion` is that of RBAC where they say none.
fn report(text: &str) -> AccessReport {
    let dir = tempfile::tempdir().expect("a folder");
    let text: String = text
        .split("---\n")
        .filter(|document| !document.trim().is_empty())
        .map(|document| {
            let version = if document.contains("apiVersion") { "" } else { "apiVersion: rbac.authorization.k8s.io/v1\n" };
            format!("---\n{version}{document}")
        })
        .collect();
    let path = dir.path().join("access.yaml");
    fs::write(&path, text).expect("a file");
    let input = input::read(&[path]);
    let annotations = Annotations::of(&Config::default());
    survey::survey(input, "shop", &annotations, TODAY.parse().expect("a day"))
}

/// Each subject, with the binding and the role of each of its grants, and the ids of their marks.
fn lines(report: &AccessReport) -> Vec<String> {
    let mut lines = Vec::new();
    for subject in &report.subjects {
        for grant in &subject.grants {
            let binding = &report.bindings[grant.binding];
            let role = match &binding.role {
                Given::Role(role) => report.roles[*role].id.to_string(),
                Given::Missing(id) => format!("no {id}"),
            };
            lines.push(format!("{} < {} < {role}: {}", subject.id, binding.id, ids(grant.marks())));
        }
        if subject.grants.is_empty() {
            lines.push(format!("{}: nothing", subject.id));
        }
        if !subject.together.is_empty() {
            lines.push(format!("{} together: {}", subject.id, ids(&subject.together)));
        }
    }
    lines
}

fn ids<'m>(marks: impl IntoIterator<Item = &'m Mark>) -> String {
    let words: Vec<String> = marks.into_iter().map(|mark| format!("{} {}", mark.risk.word(), mark.id)).collect();
    if words.is_empty() { "no mark".to_owned() } else { words.join(", ") }
}

fn subject<'r>(report: &'r AccessReport, name: &str) -> &'r Subject {
    report.subjects.iter().find(|subject| subject.id.to_string() == name).unwrap_or_else(|| panic!("no {name}"))
}

fn problems(report: &AccessReport) -> Vec<String> {
    report.problems.iter().map(|problem| format!("{} {}: {}", problem.id, problem.object, problem.message)).collect()
}

const READER: &str = "
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [''], resources: [pods], verbs: [get, list]}]
---
";

#[test]
fn bindings_give_roles_to_subjects() {
    let text = format!(
        "{READER}
kind: RoleBinding
metadata: {{name: b}}
roleRef: {{kind: Role, name: reader}}
subjects:
  - {{kind: ServiceAccount, name: web}}
  - {{kind: User, name: 'system:serviceaccount:shop:web'}}
  - {{kind: User, name: ann}}
  - {{kind: Group, name: team}}
---
kind: RoleBinding
metadata: {{name: a, namespace: till}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}}
subjects: [{{kind: User, name: ann}}]
---
kind: ClusterRoleBinding
metadata: {{name: c}}
roleRef: {{kind: ClusterRole, name: view}}
subjects: [{{kind: Group, name: team}}]
"
    );
    assert_eq!(
        lines(&report(&text)),
        [
            "User ann < RoleBinding shop/b < Role shop/reader: no mark",
            "User ann < RoleBinding till/a < no Role till/reader: high missing-role",
            "Group team < ClusterRoleBinding c < ClusterRole view: medium cluster-wide-binding",
            "Group team < RoleBinding shop/b < Role shop/reader: no mark",
            "ServiceAccount shop/web < RoleBinding shop/b < Role shop/reader: no mark",
        ]
    );
}

#[test]
fn what_is_granted_counts_and_not_what_it_is_called() {
    let role = |rules: &str, binding: &str, subject: &str| {
        let text = format!(
            "kind: ClusterRole\nmetadata: {{name: harmless-viewer}}\nrules: {rules}\n---\nkind: {binding}\nmetadata: {{name: b}}\nroleRef: {{kind: ClusterRole, name: harmless-viewer}}\nsubjects: [{subject}]\n"
        );
        let report = report(&text);
        ids(report.subjects[0].grants[0].marks())
    };
    let (namespace, cluster) = ("RoleBinding", "ClusterRoleBinding");
    let (account, person) = ("{kind: ServiceAccount, name: web, namespace: shop}", "{kind: User, name: ann}");
    let everything =
        "[{apiGroups: ['*'], resources: ['*'], verbs: [get, list, watch, create, update, patch, delete, deletecollection]}]";
    assert_eq!(role(everything, cluster, person), "high cluster-admin");
    assert_eq!(role(everything, namespace, account), "high cluster-admin");
    let secrets = "[{apiGroups: [''], resources: [secrets], verbs: [get]}]";
    assert_eq!(role(secrets, cluster, account), "high secret-read, medium cluster-wide-binding");
    assert_eq!(role(secrets, namespace, account), "medium secret-read");
    let one = "[{apiGroups: [''], resources: [secrets], resourceNames: [db], verbs: [get]}]";
    assert_eq!(role(one, namespace, account), "no mark");
    // What is in no namespace is not given in one.
    let nodes = "[{apiGroups: [''], resources: [nodes/proxy], verbs: [get]}, {nonResourceURLs: ['*'], verbs: [get]}]";
    assert_eq!(role(nodes, namespace, account), "no mark");
    assert_eq!(role(nodes, cluster, account), "high node-proxy, high wildcard-url");
    let custom = "[{apiGroups: [shop.example.com], resources: ['*', orders/status], verbs: ['*']}]";
    assert_eq!(role(custom, namespace, account), "high wildcard-verb, high wildcard-resource");
    assert_eq!(role("[{apiGroups: ['*'], resources: [pods], verbs: [get]}]", namespace, account), "high wildcard-api-group");
    assert_eq!(role("null", cluster, account), "no mark");
}

#[test]
fn roles_for_people_are_no_danger_in_their_hands() {
    let bound = |role: &str, binding: &str, subject: &str| {
        let text = format!(
            "kind: {binding}\nmetadata: {{name: b}}\nroleRef: {{kind: ClusterRole, name: {role}}}\nsubjects: [{subject}]\n"
        );
        let report = report(&text);
        let grant = &report.subjects[0].grants[0];
        (report.subjects[0].risk().map(Risk::word), ids(grant.marks()).contains("application-admin"))
    };
    let (account, group) = ("{kind: ServiceAccount, name: web, namespace: shop}", "{kind: Group, name: team}");
    assert_eq!(bound("view", "RoleBinding", group), (None, false));
    assert_eq!(bound("edit", "RoleBinding", group), (Some("medium"), false));
    assert_eq!(bound("admin", "RoleBinding", group), (Some("medium"), false));
    assert_eq!(bound("edit", "RoleBinding", account), (Some("high"), true));
    assert_eq!(bound("edit", "ClusterRoleBinding", group), (Some("high"), false));
    assert_eq!(bound("cluster-admin", "RoleBinding", group), (Some("high"), false));
}

#[test]
fn it_matters_who_is_bound() {
    let bound = |subject: &str| {
        let text = format!(
            "kind: Role\nmetadata: {{name: r}}\nrules: [{{apiGroups: [''], resources: [pods], verbs: [get]}}]\n---\nkind: RoleBinding\nmetadata: {{name: b}}\nroleRef: {{kind: Role, name: r}}\nsubjects: [{subject}]\n"
        );
        let report = report(&text);
        lines(&report)[0].split_once(": ").map(|(_, marks)| marks.to_owned()).unwrap_or_default()
    };
    for (subject, marks) in [
        ("{kind: Group, name: 'system:masters'}", "high system-masters"),
        ("{kind: User, name: 'system:anonymous'}", "high anonymous-subject"),
        ("{kind: Group, name: 'system:authenticated'}", "high everyone"),
        ("{kind: Group, name: 'system:serviceaccounts:shop'}", "high namespace-service-accounts"),
        ("{kind: ServiceAccount, name: default}", "high default-service-account"),
        ("{kind: ServiceAccount, name: web, namespace: till}", "high foreign-service-account"),
        ("{kind: Group, name: 'system:nodes'}", "medium component-subject"),
        ("{kind: ServiceAccount, name: web}", "no mark"),
    ] {
        assert_eq!(bound(subject), marks, "{subject}");
    }
    // What everybody holds anyway may go to everybody.
    let text = "
kind: ClusterRoleBinding
metadata: {name: b}
roleRef: {kind: ClusterRole, name: 'system:public-info-viewer'}
subjects: [{kind: Group, name: 'system:unauthenticated'}]
---
kind: ClusterRoleBinding
metadata: {name: c}
roleRef: {kind: ClusterRole, name: 'system:discovery'}
subjects: [{kind: Group, name: 'system:authenticated'}, {kind: Group, name: 'system:unauthenticated'}]
";
    assert_eq!(
        lines(&report(text)),
        [
            "Group system:unauthenticated < ClusterRoleBinding b < ClusterRole system:public-info-viewer: no mark",
            "Group system:unauthenticated < ClusterRoleBinding c < ClusterRole system:discovery: high anonymous-subject",
            "Group system:authenticated < ClusterRoleBinding c < ClusterRole system:discovery: no mark",
        ]
    );
}

#[test]
fn two_bindings_can_be_a_danger_together() {
    let roles = "
kind: ClusterRole
metadata: {name: binder}
rules: [{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [bind]}]
---
kind: Role
metadata: {name: writer}
rules: [{apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings], verbs: [create]}]
---
kind: Role
metadata: {name: creator}
rules: [{apiGroups: [''], resources: [secrets], verbs: [create]}]
---
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]
---
";
    let bind = |kind: &str, namespace: &str, role_kind: &str, role: &str, subject: &str| {
        format!(
            "kind: {kind}\nmetadata: {{name: {subject}-{role}, namespace: {namespace}}}\nroleRef: {{kind: {role_kind}, name: {role}}}\nsubjects: [{{kind: User, name: {subject}}}]\n---\n"
        )
    };
    let text = [
        roles,
        &bind("ClusterRoleBinding", "''", "ClusterRole", "binder", "ann"),
        &bind("RoleBinding", "shop", "Role", "writer", "ann"),
        &bind("RoleBinding", "shop", "Role", "creator", "bob"),
        &bind("RoleBinding", "shop", "Role", "reader", "bob"),
        &bind("RoleBinding", "shop", "Role", "creator", "eve"),
        &bind("RoleBinding", "till", "ClusterRole", "view", "eve"),
    ]
    .concat();
    let report = report(&text);
    let together = |name: &str| ids(&subject(&report, name).together);
    assert_eq!(together("User ann"), "high bind");
    let mark = &subject(&report, "User ann").together[0];
    assert_eq!(
        mark.what,
        "bind on clusterroles by ClusterRoleBinding ann-binder, with what RoleBinding shop/ann-writer grants"
    );
    assert!(mark.why.ends_with("in namespace shop"), "{mark:?}");
    assert_eq!(together("User bob"), "medium secret-token");
    assert_eq!(together("User eve"), "no mark");
    // A role that has both is marked itself.
    assert!(ids(subject(&report, "User ann").grants[0].marks()).contains("high bind"));
}

#[test]
fn aggregated_roles_grant_what_they_are_made_of() {
    let text = "
kind: ClusterRole
metadata: {name: orders, labels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}}
rules: [{apiGroups: [''], resources: [secrets], verbs: [list]}]
---
kind: ClusterRole
metadata: {name: team, labels: {top: 'true'}}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {team: shop}}]}
rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]
---
kind: ClusterRole
metadata: {name: top}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {top: 'true'}}]}
---
kind: ClusterRole
metadata: {name: carts, labels: {team: shop}}
rules: [{apiGroups: [''], resources: [pods/exec], verbs: [create]}]
---
kind: ClusterRole
metadata: {name: lonely}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {team: nobody}}]}
---
kind: RoleBinding
metadata: {name: a}
roleRef: {kind: ClusterRole, name: top}
subjects: [{kind: User, name: ann}]
---
kind: RoleBinding
metadata: {name: b}
roleRef: {kind: ClusterRole, name: view}
subjects: [{kind: User, name: bob}]
";
    let report = report(text);
    assert_eq!(
        lines(&report),
        [
            "User ann < RoleBinding shop/a < ClusterRole top: high pod-access",
            "User bob < RoleBinding shop/b < ClusterRole view: medium secret-read",
        ]
    );
    // The mark stands where the rule is written.
    let place = |name: &str| subject(&report, name).grants[0].marks()[0].place.clone().and_then(|place| place.position);
    let line = |name: &str| place(name).map(|position| position.line);
    assert_eq!((line("User ann"), line("User bob")), (Some(22), Some(6)), "{:?}", report.roles[0].place);
    let unused: Vec<&str> = report.unused_roles().iter().map(|role| &*role.id.name).collect();
    assert_eq!(unused, ["lonely"]);
}

#[test]
fn roles_that_nobody_is_bound_to_are_told_with_their_marks() {
    let text = format!(
        "{READER}
kind: ClusterRole
metadata: {{name: root}}
rules: [{{apiGroups: ['*'], resources: ['*'], verbs: ['*']}}]
---
kind: ClusterRole
metadata: {{name: edit-orders, labels: {{rbac.authorization.k8s.io/aggregate-to-edit: 'true'}}}}
rules: [{{apiGroups: [shop.example.com], resources: [orders], verbs: [update]}}]
"
    );
    let report = report(&text);
    let unused: Vec<String> =
        report.unused_roles().iter().map(|role| format!("{}: {}", role.id, ids(role.marks.iter()))).collect();
    assert_eq!(unused, ["ClusterRole root: high cluster-admin", "Role shop/reader: no mark"]);
}

#[test]
fn service_accounts_are_told_with_what_runs_as_them() {
    let text = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
automountServiceAccountToken: false
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {serviceAccountName: web}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec: {jobTemplate: {spec: {template: {spec: {serviceAccountName: web, automountServiceAccountToken: true}}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: till}
spec: {}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: idle}
---
kind: RoleBinding
metadata: {name: all}
roleRef: {kind: ClusterRole, name: view}
subjects: [{kind: Group, name: 'system:serviceaccounts:shop'}, {kind: Group, name: 'system:serviceaccounts:till'}]
---
kind: ClusterRoleBinding
metadata: {name: users}
roleRef: {kind: ClusterRole, name: 'system:basic-user'}
subjects: [{kind: Group, name: 'system:authenticated'}, {kind: User, name: ann}, {kind: User, name: 'system:anonymous'}]
";
    let report = report(text);
    let runs = |name: &str| words::runs(subject(&report, name), 3);
    assert_eq!(runs("ServiceAccount shop/web"), "runs CronJob shop/nightly, Deployment shop/web (without its token)");
    assert_eq!(runs("ServiceAccount till/default"), "runs Pod till/a");
    assert_eq!(runs("ServiceAccount shop/idle"), "");
    let groups = |name: &str| -> Vec<&str> {
        subject(&report, name).groups.iter().map(|group| &*report.subjects[*group].id.name).collect()
    };
    assert_eq!(groups("ServiceAccount shop/idle"), ["system:serviceaccounts:shop", "system:authenticated"]);
    assert_eq!(groups("ServiceAccount till/default"), ["system:serviceaccounts:till", "system:authenticated"]);
    assert_eq!(groups("User ann"), ["system:authenticated"]);
    assert_eq!(groups("User system:anonymous"), Vec::<&str>::new());
    assert!(!subject(&report, "ServiceAccount till/default").is_undefined());
}

#[test]
fn what_the_api_server_refuses_is_told() {
    let text = "
kind: ClusterRoleBinding
metadata: {name: a}
roleRef: {kind: Role, name: reader}
subjects: [{kind: User, name: ann}]
---
kind: RoleBinding
metadata: {name: b}
roleRef: {kind: Rule, name: reader}
---
kind: RoleBinding
metadata: {name: c}
roleRef: {apiGroup: v1, kind: Role, name: reader}
---
kind: RoleBinding
metadata: {name: d}
roleRef: {kind: ClusterRole, name: view}
---
kind: ClusterRoleBinding
metadata: {name: e}
roleRef: {kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: web}, {kind: Robot, name: r2}, {kind: User, name: ann}, 3]
---
kind: ClusterRoleBinding
metadata: {name: f}
roleRef: {kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: web}, {kind: Robot, name: r2}, {kind: User, name: ann}]
---
kind: ClusterRole
metadata: {name: g}
rules: all
---
kind: RoleBinding
metadata: {name: h}
";
    let report = report(text);
    assert_eq!(
        problems(&report),
        [
            "invalid-role ClusterRole g: cannot be read, and grants nothing: expected a list, found a string",
            "invalid-role-ref ClusterRoleBinding a: a ClusterRoleBinding gives no Role, only a ClusterRole; the API server refuses it",
            "invalid-subject ClusterRoleBinding e: the subjects cannot be read: expected a map, found a number",
            "invalid-subject ClusterRoleBinding f: namespace of subjects[0] is missing: a ClusterRoleBinding has no namespace to take it from; the API server refuses the binding",
            "invalid-subject ClusterRoleBinding f: kind of subjects[1] is none of User, Group and ServiceAccount; the API server refuses the binding",
            "invalid-role-ref RoleBinding shop/b: refers to something that is neither a Role nor a ClusterRole; the API server refuses it",
            "invalid-role-ref RoleBinding shop/c: refers to a role of another API group than rbac.authorization.k8s.io; the API server refuses it",
            "no-subject RoleBinding shop/d: binds nobody",
            "invalid-role-ref RoleBinding shop/h: refers to something that is neither a Role nor a ClusterRole; the API server refuses it",
        ]
    );
    assert_eq!(lines(&report).len(), 1, "{:?}", lines(&report));
}

#[test]
fn the_last_of_a_name_counts() {
    let text = format!("{READER}{READER}{READER}").replacen("[get, list]", "['*']", 2);
    let report = report(&text);
    assert_eq!(report.unused_roles()[0].rules[0].verbs, ["get", "list"]);
    assert_eq!(report.notes.len(), 2);
    assert_eq!(report.notes[0].message, "Role shop/reader is written again further on, and the last one counts");
}

#[test]
fn reports_can_be_narrowed() {
    let text = format!(
        "{READER}
kind: RoleBinding
metadata: {{name: a}}
roleRef: {{kind: Role, name: reader}}
subjects: [{{kind: User, name: ann}}, {{kind: ServiceAccount, name: web}}]
---
kind: RoleBinding
metadata: {{name: b, namespace: till}}
roleRef: {{kind: ClusterRole, name: edit}}
subjects: [{{kind: User, name: ann}}, {{kind: Group, name: 'system:serviceaccounts:shop'}}]
---
kind: ClusterRoleBinding
metadata: {{name: c}}
roleRef: {{kind: ClusterRole, name: cluster-admin}}
subjects: [{{kind: Group, name: roots}}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: idle, namespace: till}}
---
kind: RoleBinding
metadata: {{name: nobody}}
roleRef: {{kind: Role, name: reader}}
"
    );
    let narrowed = |subjects: &[&str], within: &[&str], risk: Option<Risk>| {
        let mut report = report(&text);
        let own = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        report.narrow(&Filter { subjects: own(subjects), within: own(within), risk });
        let names = report.subjects.iter().map(|subject| format!("{} {}", subject.id, subject.grants.len()));
        (names.collect::<Vec<_>>().join(", "), report.shown_bindings().len(), report.shown_roles().len(), report.problems.len())
    };
    let all =
        "Group roots 1, Group system:serviceaccounts:shop 1, User ann 2, ServiceAccount shop/web 1, ServiceAccount till/idle 0";
    let part = |names: &str, bindings, roles| (names.to_owned(), bindings, roles, 0);
    let (names, bindings, _, problems) = narrowed(&[], &[], None);
    assert_eq!((names.as_str(), bindings, problems), (all, 4, 1));
    assert_eq!(narrowed(&["ann"], &[], None).0, "User ann 2");
    assert_eq!(narrowed(&["shop/*"], &[], None), part("ServiceAccount shop/web 1", 1, 1));
    assert_eq!(narrowed(&["Group:*", "User:*"], &[], Some(Risk::High)).0, "Group roots 1, Group system:serviceaccounts:shop 1");
    assert_eq!(narrowed(&["ServiceAccount:till/idle"], &[], None), part("ServiceAccount till/idle 0", 0, 0));
    assert_eq!(narrowed(&[], &["shop"], None).0, "Group roots 1, User ann 1, ServiceAccount shop/web 1");
    assert_eq!(
        narrowed(&[], &["t*"], None).0,
        "Group roots 1, Group system:serviceaccounts:shop 1, User ann 1, ServiceAccount till/idle 0"
    );
    assert_eq!(narrowed(&[], &["shop"], Some(Risk::Medium)).0, "Group roots 1");
}

#[test]
fn the_order_is_that_of_the_names() {
    let objects: Vec<String> = ["b", "a", "c"]
        .iter()
        .map(|name| format!("kind: RoleBinding\nmetadata: {{name: {name}}}\nroleRef: {{kind: ClusterRole, name: view}}\nsubjects: [{{kind: User, name: u{name}}}, {{kind: User, name: ann}}]\n---\n"))
        .collect();
    let forward = lines(&report(&objects.concat()));
    let backward = lines(&report(&objects.iter().rev().cloned().collect::<String>()));
    assert_eq!(forward, backward);
    assert!(forward[0].starts_with("User ann < RoleBinding shop/a"), "{forward:?}");
}

#[test]
fn a_whole_cluster_is_told_without_what_every_cluster_has() {
    use palisade_harness::bootstrap;
    let mut items: Vec<serde_json::Value> = bootstrap::roles().iter().chain(bootstrap::bindings()).cloned().collect();
    let is_discovery =
        |item: &serde_json::Value| item["kind"] == "ClusterRoleBinding" && item["metadata"]["name"] == "system:discovery";
    let altered = items.iter_mut().find(|item| is_discovery(item)).expect("the binding");
    let anybody =
        serde_json::json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:unauthenticated"});
    altered["subjects"].as_array_mut().expect("subjects").push(anybody);
    items.push(serde_json::json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "a", "namespace": "shop"},
        "roleRef": {"kind": "ClusterRole", "name": "edit"}, "subjects": [{"kind": "User", "name": "ann"}],
    }));
    // A label and a name do not make a role harmless.
    items.push(serde_json::json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "view", "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
    }));
    items.push(serde_json::json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "b", "namespace": "shop"},
        "roleRef": {"kind": "ClusterRole", "name": "view"}, "subjects": [{"kind": "User", "name": "bob"}],
    }));
    let report = report(&serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string());
    assert_eq!(report.subjects.len(), 4, "{:?}", lines(&report));
    for (name, risk) in [
        ("Group system:unauthenticated", Some(Risk::High)),
        ("Group system:authenticated", None),
        ("User ann", Some(Risk::Medium)),
        ("User bob", Some(Risk::High)),
    ] {
        assert_eq!(subject(&report, name).risk(), risk, "{name}");
    }
    let left_out = bootstrap::bindings().len() - 1;
    let notes: Vec<&str> = report.notes.iter().map(|note| note.message.as_str()).collect();
    let expected = format!("{left_out} bindings left out: the API server makes the same in every cluster");
    assert_eq!(notes, ["ClusterRole view is written again further on, and the last one counts", &expected]);
    let summary = report.summary();
    assert_eq!((summary.bindings, summary.roles, summary.unused_roles, summary.without_review), (3, 0, 0, 3));
}

#[test]
fn what_has_no_end_is_no_harmless_role() {
    let mut text = String::new();
    for name in 0..3_000 {
        text.push_str(&format!("kind: ClusterRole\nmetadata: {{name: r{name}, labels: {{all: 'true'}}}}\naggregationRule: {{clusterRoleSelectors: [{{matchLabels: {{all: 'true'}}}}]}}\n---\n"));
    }
    text.push_str(
        "kind: RoleBinding\nmetadata: {name: b}\nroleRef: {kind: ClusterRole, name: r7}\nsubjects: [{kind: User, name: ann}]\n",
    );
    let report = report(&text);
    assert_eq!(lines(&report), ["User ann < RoleBinding shop/b < ClusterRole r7: high endless-aggregation"]);
    assert_eq!(report.failures.len(), 1);
}
