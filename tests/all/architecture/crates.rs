//! Who may depend on whom.

use super::checked_in;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::{collections::BTreeSet, sync::LazyLock};

fn workspace() -> &'static Metadata {
    static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
        let mut command = MetadataCommand::new();
        command.manifest_path(super::sources::root().join("Cargo.toml")).no_deps();
        command.other_options(["--offline".to_owned()]);
        command.exec().expect("cargo reads our manifests")
    });
    &METADATA
}

/// What the crate needs to run; not what its tests or its build script need.
fn needs(package: &Package) -> BTreeSet<&str> {
    let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
    normal.map(|dependency| dependency.name.as_str()).collect()
}

#[test]
fn our_crates_depend_on_each_other_as_listed() {
    let ours: BTreeSet<_> = workspace().packages.iter().map(|package| package.name.as_str()).collect();
    let mut found: Vec<_> = workspace()
        .packages
        .iter()
        .map(|package| {
            let of_ours: Vec<_> = needs(package).intersection(&ours).copied().collect();
            format!("{}: {}", package.name, of_ours.join(" ")).trim_end().to_owned()
        })
        .collect();
    found.sort();
    checked_in::list("tests/all/architecture/graph.txt", "who may depend on whom", &found);
}

#[test]
fn what_speaks_to_devices_disks_and_databases_stays_where_it_belongs() {
    let list = super::sources::text("tests/all/architecture/outside.txt").expect("the list is text");
    for line in checked_in::lines(&list) {
        let (outside, owners) = line.split_once(':').unwrap_or_else(|| panic!("`{line}` lacks a colon"));
        let allowed: BTreeSet<_> = owners.split_whitespace().collect();
        let users: BTreeSet<_> = workspace()
            .packages
            .iter()
            .filter(|package| needs(package).contains(outside))
            .map(|package| package.name.as_str())
            .collect();
        assert_eq!(users, allowed, "{outside}: see tests/all/architecture/outside.txt");
    }
}
