# Every everyday command. Each line calls cargo or palisade, so that nothing here needs just to be installed.

# What there is
default:
    @just --list

# Scan manifests with every policy
scan *ARGS="examples/django-insecure":
    cargo run --release -- scan {{ARGS}}

# Everything that is tested
test *ARGS:
    cargo test {{ARGS}}

# The fixtures of one policy, or of all
fixtures POLICY="":
    cargo test --test fixtures -- {{POLICY}}

# The modules in kwctl and policy-server, where these are on the PATH; PALISADE_E2E=all asks kwctl about every fixture
e2e *ARGS:
    cargo test --test e2e -- {{ARGS}}

# What CI checks beside the tests
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Whether two builds in different places give the same modules
reproducible:
    .ci/reproducible

# Renew what is generated from the policies' metadata, rules, settings and fixtures
generate:
    cargo run --release -- generate

# The figures of the README
bench:
    cargo run --release -- bench

# The picture of the README
picture:
    CLICOLOR_FORCE=1 COLUMNS=112 cargo run --release -- --color always scan examples/django-insecure/rbac.yaml examples/django-insecure/web.yaml \
        | cargo run --release --example picture -- "palisade scan examples/django-insecure/rbac.yaml examples/django-insecure/web.yaml" > docs/scan.svg
