//! What must hold of any set of rules.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::dangers::{self, DANGERS, Danger, GROUPS, NAMELESS, Names, PARTNERS, POWERFUL, Reach, Second, VERBS};
use super::*;

/// Names that no rule has: only wildcards, and rules without names, reach them.
const FRESH: &str = "fresh";

const VERB_LISTS: [&str; 5] = ["get", "create", "Get", "*", "escalate"];
const GROUP_LISTS: [&str; 4] = ["", "apps", "*", "app"];
const RESOURCE_LISTS: [&str; 11] =
    ["pods", "pods/exec", "pods/*", "*", "*/scale", "*/*", "nodes/", "/exec", "*/", "pod", "nodes/scale"];
const NAME_LISTS: [&str; 4] = ["", "a", "c", "*"];
const URL_LISTS: [&str; 9] = ["*", "/", "/api", "/api/*", "/a*", "/apis**", "/*/v1", "", "/api/v1"];

fn list(values: &'static [&'static str], most: usize) -> impl Strategy<Value = List<Str<'static>>> {
    subsequence(values, 0..=most.min(values.len())).prop_map(|chosen| chosen.into_iter().map(Str::from).collect())
}

fn rule() -> impl Strategy<Value = PolicyRule<'static>> {
    (list(&VERB_LISTS, 2), list(&GROUP_LISTS, 2), list(&RESOURCE_LISTS, 3), list(&NAME_LISTS, 2), list(&URL_LISTS, 2)).prop_map(
        |(verbs, api_groups, resources, resource_names, non_resource_urls)| PolicyRule {
            verbs,
            api_groups,
            resources,
            resource_names,
            non_resource_urls,
        },
    )
}

/// Every request that the lists above can tell apart, and those that no list names.
fn requests() -> Vec<ResourceRequest<'static>> {
    let mut all = Vec::new();
    for verb in ["get", "create", "Get", "escalate", FRESH] {
        for group in ["", "apps", "app", FRESH] {
            for resource in ["pods", "nodes", "pod", FRESH] {
                for subresource in ["", "exec", "scale", "*", FRESH] {
                    for name in [Name::Absent, Name::Is("a"), Name::Is("c"), Name::Is("*"), Name::Is(FRESH)] {
                        all.push(ResourceRequest { verb, group, resource, subresource, name });
                    }
                }
            }
        }
    }
    all
}

const PATHS: [&str; 13] = [
    "/",
    "/fresh",
    "/a",
    "/afresh",
    "/api",
    "/api/",
    "/api/fresh",
    "/api/v1",
    "/api/v1/fresh",
    "/apis",
    "/apis/fresh",
    "/*/v1",
    "fresh",
];

/// Rules about what leads to more.
fn grave_rule() -> impl Strategy<Value = PolicyRule<'static>> {
    const NAMED: [&str; 6] =
        ["", "web", "cluster-admin", "system:masters", "kubernetes.io/kube-apiserver-client", "example.org/own"];
    let verbs = prop_oneof![
        4 => proptest::collection::vec(select(&VERBS[..]), 1..3),
        1 => proptest::collection::vec(select(&["*", "GET", "use", ""][..]), 1..3),
    ];
    let groups = prop_oneof![
        4 => proptest::collection::vec(select(&GROUPS[..]), 1..3),
        1 => Just(vec!["*"]),
        1 => Just(vec!["", "extensions"]),
    ];
    let entries: Vec<String> = DANGERS
        .iter()
        .map(|danger| {
            let mut name = String::new();
            danger.write_name(&mut name);
            name.replace("userextras/*", "userextras/scopes")
        })
        .chain(["*", "*/exec", "*/proxy", "*/token", "pods/*", "userextras", "nodes", "widgets"].map(str::to_owned))
        .collect();
    let resources = proptest::collection::vec(select(entries), 1..4);
    let names = prop_oneof![2 => Just(vec![]), 1 => proptest::collection::vec(select(&NAMED[..]), 1..3)];
    let texts = |list: Vec<&'static str>| -> List<Str<'static>> { list.into_iter().map(Str::from).collect() };
    (verbs, groups, resources, names).prop_map(move |(verbs, groups, resources, names)| PolicyRule {
        verbs: texts(verbs),
        api_groups: texts(groups),
        resources: resources.into_iter().map(Str::from).collect(),
        resource_names: texts(names),
        non_resource_urls: List::default(),
    })
}

/// How far the rules grant a danger, by asking for each of its verbs and objects; and the first rule that grants it so far.
fn asked(rules: &Rules<'_>, danger: &Danger) -> Option<(u8, usize)> {
    let subresources =
        if danger.subresource == "*" { &["scopes", "other"][..] } else { std::slice::from_ref(&danger.subresource) };
    let mut widest: Option<(u8, usize)> = None;
    for (bit, verb) in VERBS.iter().enumerate().filter(|(bit, _)| danger.verbs & (1 << bit) != 0) {
        for subresource in subresources {
            let nameless = NAMELESS & (1 << bit) != 0 && subresource.is_empty();
            let every = if nameless { Name::Absent } else { Name::Every };
            let mut names = vec![(2, every)];
            match danger.names {
                Names::Narrow => {}
                Names::DoNotHelp => names.push((2, Name::Some)),
                Names::Tell => names.push((0, Name::Some)),
                Names::Except(list) => names.extend(POWERFUL[list].iter().map(|name| (1, Name::Is(name)))),
            }
            for (width, name) in names {
                let request =
                    ResourceRequest { verb, group: danger.group.name(), resource: danger.resource, subresource, name };
                for rule in rules.granting(&request) {
                    if widest.is_none_or(|(known, first)| width > known || (width == known && rule < first)) {
                        widest = Some((width, rule));
                    }
                }
            }
        }
    }
    widest
}

/// The rules that grant one of the second grants, in order.
fn seconding<'r>(rules: &'r Rules<'_>, second: &'r Second) -> impl Iterator<Item = usize> + use<'r> {
    (0..rules.len()).filter(move |rule| {
        let alone = Rules::of_role(&rules[*rule..=*rule]);
        second.verbs.iter().any(|verb| {
            second.resources.iter().any(|resource| {
                let request = ResourceRequest {
                    verb,
                    group: second.group.name(),
                    resource,
                    subresource: second.subresource,
                    name: second.name,
                };
                alone.allows(&request).is_some()
            })
        })
    })
}

proptest! {
    #[test]
    fn a_rule_is_covered_when_all_that_it_grants_is_granted(
        rules in proptest::collection::vec(rule(), 0..4),
        wanted in rule(),
    ) {
        let set = Rules::of_cluster_role(&rules);
        let wants = std::slice::from_ref(&wanted);
        let wants = Rules::of_cluster_role(wants);
        let resources = requests().iter().all(|request| wants.allows(request).is_none() || set.allows(request).is_some());
        let urls = ["get", "create", "Get", "escalate", FRESH].iter().all(|verb| {
            PATHS.iter().all(|path| wants.allows_url(verb, path).is_none() || set.allows_url(verb, path).is_some())
        });
        prop_assert_eq!(set.covers(&wanted), resources && urls, "{:?}", set.lack(&wanted));
    }

    #[test]
    fn a_set_never_grants_less_with_another_rule(rules in proptest::collection::vec(rule(), 1..5), wanted in rule()) {
        let (more, less) = (Rules::of_cluster_role(&rules), Rules::of_cluster_role(&rules[1..]));
        for request in requests() {
            prop_assert!(more.allows(&request).is_some() || less.allows(&request).is_none(), "{:?}", request);
        }
        prop_assert!(more.covers(&wanted) || !less.covers(&wanted));
        prop_assert!(rules.iter().all(|rule| more.covers(rule)));
    }

    #[test]
    fn the_first_rule_that_is_lacking_is_not_covered(
        held in proptest::collection::vec(rule(), 0..4),
        more in proptest::collection::vec(rule(), 0..4),
        kept in 0..4_usize,
    ) {
        let mut wanted: Vec<_> = held.iter().take(kept).cloned().collect();
        wanted.extend(more);
        let held = Rules::of_cluster_role(&held);
        prop_assert_eq!(held.first_lacking(&wanted), wanted.iter().position(|rule| !held.covers(rule)));
    }

    #[test]
    fn a_set_never_weighs_less_with_another_rule(rules in proptest::collection::vec(grave_rule(), 1..5)) {
        let (more, less) = (Rules::of_role(&rules), Rules::of_role(&rules[1..]));
        prop_assert!(dangers::grade(&more) >= dangers::grade(&less));
        let reads = |rules| dangers::find(rules, Within::Namespace).iter().any(|found| found.danger.class == dangers::Class::SecretRead);
        prop_assert!(reads(&more) || !reads(&less));
    }

    /// The finder looks at rules; asking looks at requests.
    #[test]
    fn dangers_are_found_as_if_each_was_asked_for(
        rules in proptest::collection::vec(grave_rule(), 0..6),
        within in select(&[Within::Namespace, Within::Cluster][..]),
    ) {
        let set = Rules::of_cluster_role(&rules);
        let found = dangers::find(&set, within);
        prop_assert!(found.windows(2).all(|pair| pair[0].danger.class <= pair[1].danger.class));
        for danger in DANGERS {
            let found: Vec<_> = found.iter().filter(|found| std::ptr::eq(found.danger, danger)).collect();
            let partner = danger.partner.map(|partner| &PARTNERS[partner]);
            let with = partner.and_then(|second| seconding(&set, second).next());
            let harmless = match partner {
                Some(second) if second.resources == ["signers"] => {
                    let harmless_names = |rule: usize| {
                        let names = &rules[rule].resource_names;
                        !names.is_empty() && names.iter().all(|name| !POWERFUL[2].contains(&name.as_str()))
                    };
                    with.is_some() && seconding(&set, second).all(harmless_names)
                }
                Some(second) if second.resources == ["secrets"] => with.is_none(),
                _ => false,
            };
            let expected = match within {
                Within::Namespace if danger.cluster => None,
                _ if harmless => None,
                _ => asked(&set, danger),
            };
            let told = found.first().map(|found| {
                let width = match found.reach {
                    Reach::All => 2,
                    Reach::Powerful(place) => {
                        let Names::Except(list) = danger.names else { unreachable!() };
                        assert!(POWERFUL[list].contains(&rules[found.rule].resource_names[place].as_str()));
                        1
                    }
                    Reach::Named => 0,
                };
                assert_eq!(found.with, with);
                assert_ne!(found.verbs & (danger.verbs | dangers::STAR), 0);
                (width, found.rule)
            });
            prop_assert_eq!(found.len(), usize::from(expected.is_some()), "{:?}", danger);
            prop_assert_eq!(told, expected, "{:?}", danger);
        }
    }
}

/// The roles that Kubernetes delivers, in short, weigh what they are called, and so do others that grant as much.
#[test]
fn roles_are_weighed_by_what_they_grant() {
    use dangers::Grade;

    const WRITE: &str = r#""verbs": ["create", "delete", "deletecollection", "patch", "update"]"#;
    let edit = format!(
        r#"{{"apiGroups": [""], "resources": ["pods/exec", "secrets"], "verbs": ["get", "list", "watch"]}},
           {{"apiGroups": [""], "resources": ["pods", "pods/exec", "configmaps", "secrets", "services", "serviceaccounts"], {WRITE}}},
           {{"apiGroups": ["apps"], "resources": ["deployments", "statefulsets"], {WRITE}}}"#
    );
    let admin =
        format!(r#"{edit}, {{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], {WRITE}}}"#);
    // Roles alone hand nothing on: it takes a binding.
    let with_roles = format!(r#"{edit}, {{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], {WRITE}}}"#);
    for (expected, rules) in [
        (Grade::Less, ""),
        (
            Grade::Less,
            r#"{"apiGroups": ["", "apps"], "resources": ["pods", "configmaps", "deployments"], "verbs": ["get", "list", "watch"]}"#,
        ),
        (Grade::Less, r#"{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["db"]}"#),
        (Grade::Secrets, r#"{"apiGroups": [""], "resources": ["*"], "verbs": ["list"]}"#),
        (Grade::Secrets, r#"{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}"#),
        // A manager of Secrets, and one who deploys but leaves the Services alone.
        (Grade::Secrets, r#"{"apiGroups": [""], "resources": ["secrets", "configmaps"], "verbs": ["*"]}"#),
        (
            Grade::Secrets,
            r#"{"apiGroups": ["", "apps"], "resources": ["pods", "secrets", "configmaps", "deployments"], "verbs": ["*"]}"#,
        ),
        (Grade::Edit, &edit),
        (Grade::Edit, &with_roles),
        (Grade::Edit, r#"{"apiGroups": ["", "apps"], "resources": ["*"], "verbs": ["*"]}"#),
        (Grade::Admin, &admin),
        (Grade::Admin, r#"{"apiGroups": ["", "apps", "rbac.authorization.k8s.io"], "resources": ["*"], "verbs": ["*"]}"#),
        (
            Grade::Everything,
            r#"{"apiGroups": ["", "apps", "batch", "rbac.authorization.k8s.io"], "resources": ["*"], "verbs": ["*"]}"#,
        ),
        (Grade::Everything, r#"{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}"#),
    ] {
        let text = format!("[{rules}]");
        let rules: Vec<PolicyRule<'_>> = crate::json::from_str(&text).unwrap();
        assert_eq!(dangers::grade(&Rules::of_role(&rules)), expected, "{text}");
    }
}

#[test]
fn classes_have_ids_of_their_own_in_kebab_case() {
    let mut ids: Vec<&str> = DANGERS.iter().map(|danger| danger.class.id()).collect();
    ids.dedup();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "each class stands in one block");
    assert!(ids.iter().all(|id| id.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase())));
}

#[test]
fn a_cluster_role_is_aggregated_by_any_selector() {
    let role: Role<'_> = crate::json::from_str(
        r#"{"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "true"}}, {"matchLabels": {"b": "true"}}]}}"#,
    )
    .unwrap();
    let aggregation = role.aggregation_rule.unwrap();
    let selects =
        |labels: &'static str| aggregation.selects(&crate::json::from_str(labels).unwrap(), &Path::new("aggregationRule"));
    assert_eq!(selects(r#"{"b": "true"}"#), Ok(true));
    assert_eq!(selects(r#"{"a": "false"}"#), Ok(false));
    let invalid: AggregationRule<'_> =
        crate::json::from_str(r#"{"clusterRoleSelectors": [{}, {"matchExpressions": [{"key": "a", "operator": "Is"}]}]}"#)
            .unwrap();
    let error = invalid.selects(&Map::default(), &Path::new("aggregationRule")).unwrap_err();
    assert!(format!("{error:?}").contains("aggregationRule.clusterRoleSelectors[1].matchExpressions[0].operator"));
}
