use atalaya_kernel::{Permission, Permissions, Validation};
use serde::Serialize;
use utoipa::ToSchema;

/// A right as the API lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PermissionInfo {
    /// Name, as roles and keys hold it.
    #[schema(example = "invoice.void")]
    pub name: &'static str,
    /// What it lets do, in English.
    #[schema(example = "Void invoices")]
    pub description: &'static str,
    /// The noun of its name: rights of one noun are shown together.
    #[schema(example = "invoice")]
    pub group: &'static str,
    /// Whether using it asks for a log-in or step-up of the last ten minutes.
    pub dangerous: bool,
}

/// Every right that some domain declares, by name.
#[derive(Debug, Clone, Default)]
pub struct Catalog(Vec<PermissionInfo>);

impl Catalog {
    /// Of what the domains declare.
    pub fn new(declared: impl IntoIterator<Item = (Permission, &'static str)>) -> Self {
        let info = |(permission, description): (Permission, &'static str)| PermissionInfo {
            name: permission.0,
            description,
            group: permission.group(),
            dangerous: permission.is_dangerous(),
        };
        let mut all: Vec<_> = declared.into_iter().map(info).collect();
        all.sort_by_key(|info| info.name);
        Self(all)
    }
    /// All of them, by name.
    pub fn all(&self) -> &[PermissionInfo] {
        &self.0
    }
    /// Whether some domain declares a right of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|info| info.name == name)
    }
    /// Notes names of which there is no right.
    pub(crate) fn check<'n>(&self, validation: &mut Validation, names: impl IntoIterator<Item = &'n String>) {
        for name in names.into_iter().filter(|name| !self.has(name)).take(20) {
            validation.check(false, "/permissions", "unknown", format!("there is no right {name:?}"));
        }
    }
    /// Names of what somebody holds.
    pub fn held(&self, permissions: &Permissions) -> Vec<String> {
        let held = self.0.iter().filter(|info| permissions.allow(Permission::new(info.name)));
        held.map(|info| info.name.to_owned()).collect()
    }
}
