use super::{
    days::{Dates, Weekdays},
    door::{Countries, Networks},
    hours::DayHours,
    languages::Languages,
};
use crate::access::RoleList;
use atalaya_kernel::{
    ids::{BlobId, TenantId, TenantPlanId},
    money::Currency,
    text_enum,
    time::{TimeZone, Timestamp},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

text_enum! {
    /// Whether overdue services are suspended without a person.
    pub enum AutomaticCuts {
        /// A new tenant: off until a person has previewed and run the first cut run.
        OffUntilPreview = "off_until_preview",
        /// On.
        On = "on",
        /// Off, by a person's choice.
        Off = "off",
    }
}

text_enum! {
    /// What an agent does with scheduled cuts while headquarters is away.
    pub enum OfflineCuts {
        /// They wait.
        Hold = "hold",
        /// They are applied.
        Apply = "apply",
    }
}

text_enum! {
    /// What a tenant's people may do.
    pub enum TenantState {
        /// Everything that they have a right to.
        Active = "active",
        /// Look, and change nothing. The network goes on as it is, and nobody is cut.
        ReadOnly = "read_only",
    }
}

/// One ISP and its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
pub struct Tenant {
    /// Which.
    pub id: TenantId,
    /// Short name in host names and on the chooser.
    #[schema(example = "netandina")]
    pub slug: String,
    /// Name.
    #[schema(example = "NetAndina")]
    pub name: String,
    /// ISO 3166 code; decides formats of money and dates.
    #[schema(example = "PE")]
    pub country: String,
    /// Currency of prices, invoices and payments.
    pub currency: Currency,
    /// Time zone of due dates and schedules.
    pub time_zone: TimeZone,
    /// Language people see when they did not choose: es-419, en, pt-BR.
    #[schema(example = "es-419")]
    pub locale: String,
    /// Accent colour, `#rrggbb`.
    #[schema(example = "#0f766e")]
    pub brand_color: Option<String>,
    /// The logo, another id with each picture; null: none. `GET /tenant/logo` has its bytes.
    pub logo: Option<BlobId>,
    /// The same for dark pages; null: the usual one.
    pub logo_dark: Option<BlobId>,
    /// Days after the due date before a cut.
    pub grace_days: i64,
    /// Overdue debt in minor units that is not worth a cut and does not hold back a reconnection.
    pub debt_tolerance: i64,
    /// Whether overdue services are suspended without a person.
    pub automatic_cuts: AutomaticCuts,
    /// First cuts an hour that always pass.
    pub cut_brake_floor: i64,
    /// First cuts an hour in hundredths of a percent of the site's services; the greater of the two holds.
    pub cut_brake_basis_points: i64,
    /// First cuts an hour over all sites, in hundredths of a percent of the ISP's services; not less than the floor.
    pub cut_brake_tenant_basis_points: i64,
    /// What an agent does with scheduled cuts while headquarters is away.
    pub offline_cuts: OfflineCuts,
    /// A cut run of so many services or more waits for a second person; 0: none does.
    pub two_person_cuts_from: i64,
    /// Roles whose users need a second factor: whoever has none may do nothing but enrol one.
    #[sqlx(try_from = "String")]
    pub second_factor_roles: RoleList,
    /// Days of the week on which nobody is cut without a person.
    #[sqlx(try_from = "String")]
    pub no_cut_weekdays: Weekdays,
    /// Dates on which nobody is cut without a person, such as holidays.
    #[sqlx(try_from = "String")]
    pub no_cut_dates: Dates,
    /// Hours in which notices that can wait are not sent, by the ISP's clock.
    #[sqlx(try_from = "String")]
    pub quiet_hours: DayHours,
    /// Hours outside of which nobody is cut without a person, by the ISP's clock; empty: at any hour.
    #[sqlx(try_from = "String")]
    pub cut_hours: DayHours,
    /// Languages that its people choose among; its own is one of them.
    #[sqlx(try_from = "String")]
    pub languages: Languages,
    /// From which networks its people and programs may ask; with no country either, from everywhere.
    #[sqlx(try_from = "String")]
    pub allowed_networks: Networks,
    /// From which countries.
    #[sqlx(try_from = "String")]
    pub allowed_countries: Countries,
    /// What the ISP's people may do, as the installation's operator decided.
    pub state: TenantState,
    /// Why, where it is not active.
    #[schema(example = "The invoice of September is not paid")]
    pub state_reason: Option<String>,
    /// Since when.
    pub state_since: Option<Timestamp>,
    /// What limits the ISP; null: nothing does.
    pub plan_id: Option<TenantPlanId>,
    /// Grows with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A tenant to be made; the rest of its settings start at the defaults.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    /// Short name in host names: lower-case letters, digits and hyphens.
    #[schema(example = "netandina")]
    pub slug: String,
    /// Name.
    #[schema(example = "NetAndina")]
    pub name: String,
    /// ISO 3166 code.
    #[schema(example = "PE")]
    pub country: String,
    /// Currency of prices, invoices and payments.
    pub currency: Currency,
    /// Time zone of due dates and schedules.
    pub time_zone: TimeZone,
    /// Language: es-419, en, pt-BR.
    #[schema(example = "es-419")]
    pub locale: String,
}

/// What to change of the settings; absent fields stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantChange {
    /// Name.
    pub name: Option<String>,
    /// Time zone.
    pub time_zone: Option<TimeZone>,
    /// Language.
    pub locale: Option<String>,
    /// ISO 3166 code.
    pub country: Option<String>,
    /// Accent colour, `#rrggbb`; empty takes it away.
    pub brand_color: Option<String>,
    /// Days after the due date before a cut.
    pub grace_days: Option<i64>,
    /// Minor units.
    pub debt_tolerance: Option<i64>,
    /// First cuts an hour that always pass.
    pub cut_brake_floor: Option<i64>,
    /// Hundredths of a percent of the site's services.
    pub cut_brake_basis_points: Option<i64>,
    /// Hundredths of a percent of the ISP's services.
    pub cut_brake_tenant_basis_points: Option<i64>,
    /// What an agent does with scheduled cuts while headquarters is away.
    pub offline_cuts: Option<OfflineCuts>,
    /// A cut run of so many services or more waits for a second person; 0: none does.
    pub two_person_cuts_from: Option<i64>,
    /// Roles whose users need a second factor.
    pub second_factor_roles: Option<RoleList>,
    /// Days of the week on which nobody is cut without a person.
    pub no_cut_weekdays: Option<Weekdays>,
    /// Dates on which nobody is cut without a person.
    pub no_cut_dates: Option<Dates>,
    /// Hours in which notices that can wait are not sent; empty: none.
    pub quiet_hours: Option<DayHours>,
    /// Hours outside of which nobody is cut without a person; empty: at any hour.
    pub cut_hours: Option<DayHours>,
    /// Languages that its people choose among; its own is one of them.
    pub languages: Option<Languages>,
    /// `on` only after a previewed run; `off` always.
    pub automatic_cuts: Option<AutomaticCuts>,
    /// From which networks people and programs may ask; empty: by the countries alone, or from everywhere.
    pub allowed_networks: Option<Networks>,
    /// From which countries.
    pub allowed_countries: Option<Countries>,
    /// Whether a list is taken that does not let in whoever sends it.
    #[serde(default)]
    pub force: bool,
}
