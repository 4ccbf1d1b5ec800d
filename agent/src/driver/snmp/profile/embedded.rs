//! The profiles of `agent/profiles`, built in. A test compares the list with the folder.

macro_rules! built_in {
    ($($file:literal)+) => {
        &[$(($file, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/profiles/", $file))),)+]
    };
}

/// File name and text of each.
pub(super) const EMBEDDED: &[(&str, &str)] = built_in! {
    "apc-ups.toml"
    "cambium-epmp.toml"
    "cambium-pmp450.toml"
    "cisco-ios.toml"
    "dlink-switch.toml"
    "eltek-smartpack.toml"
    "fiberhome-olt.toml"
    "huawei-olt.toml"
    "huawei-vrp.toml"
    "juniper-junos.toml"
    "linux-host.toml"
    "mikrotik-routeros.toml"
    "mimosa-backhaul.toml"
    "morningstar-tristar-mppt.toml"
    "netonix-switch.toml"
    "tplink-switch.toml"
    "ubiquiti-af60.toml"
    "ubiquiti-airfiber.toml"
    "ubiquiti-airmax.toml"
    "ubiquiti-edgemax.toml"
    "ubiquiti-edgeswitch.toml"
    "ubiquiti-ltu.toml"
    "ubiquiti-unifi.toml"
    "ups-rfc1628.toml"
    "vsol-olt.toml"
    "zte-olt.toml"
};
