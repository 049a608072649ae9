use super::*;

fn verdict(policy: &str, states: &[(Aspect, State)]) -> Verdict {
    let mut verdict = Verdict::new(policy, format!("registry.example.com/policies/{policy}:v1.0.0"));
    verdict.digest = Some(format!("sha256:{}", "0a".repeat(32)));
    for (aspect, state) in states {
        verdict.set(*aspect, state.clone());
    }
    verdict
}

fn verdicts() -> Vec<Verdict> {
    let mut good = verdict("good", &Aspect::ALL.map(|aspect| (aspect, State::Good)));
    good.built_in = Some(BuiltIn::Same);
    let mut moved = verdict(
        "moved",
        &[
            (Aspect::Tag, State::Good),
            (Aspect::Lock, State::wrong("it is another one", "find out who did it")),
            (Aspect::Signature, State::wrong("it is not \u{1b}[31msigned", "sign it")),
            (Aspect::Module, State::Good),
            (Aspect::Metadata, State::Good),
            (Aspect::Sbom, State::skipped("none")),
        ],
    );
    moved.built_in = Some(BuiltIn::Other);
    let mut missing = verdict("missing", &[(Aspect::Tag, State::wrong("there is no such policy", "publish it"))]);
    missing.digest = None;
    missing.skip_rest("there is no manifest");
    let mut down = verdict("down", &[(Aspect::Tag, State::Good), (Aspect::Lock, State::Good)]);
    down.give_up(&"registry.example.com: no answer in time");
    vec![good, moved, missing, down]
}

#[test]
fn as_a_table() {
    let text = |verdicts: &[Verdict]| anstream::adapter::strip_str(&table(verdicts, Some(80))).to_string();
    insta::assert_snapshot!(text(&verdicts()));
    assert!(text(&verdicts()[..1]).ends_with("\n1 policy, and it is as it should be\n"));
    let two = [verdicts().remove(0), verdicts().remove(0)];
    assert!(text(&two).ends_with("\n2 policies, and all are as they should be\n"));
}

#[test]
fn as_json() {
    let text = json(&verdicts()).expect("JSON");
    insta::assert_snapshot!(text.replace(env!("CARGO_PKG_VERSION"), "[version]"));
}

/// Whatever happens, each aspect is told of once.
#[test]
fn every_aspect_is_told_of() {
    for verdict in verdicts() {
        assert_eq!(verdict.states.iter().map(|(aspect, _)| *aspect).collect::<Vec<_>>(), Aspect::ALL, "{}", verdict.policy);
    }
    let [good, moved, missing, down] = &verdicts()[..] else { panic!("four") };
    assert!(!good.is_wrong() && !good.is_unknown());
    assert!(moved.is_wrong() && missing.is_wrong() && !missing.is_unknown());
    assert!(down.is_unknown() && !down.is_wrong());
}
