//! Compiles the wire schema with a pure-Rust protobuf compiler: no `protoc` to install.
use std::io::Result;

fn main() -> Result<()> {
    let files =
        ["control", "enrol", "config", "state", "job", "telemetry"].map(|name| format!("proto/{name}.proto"));
    for file in &files {
        println!("cargo:rerun-if-changed={file}");
    }
    let set = protox::compile(&files, ["proto"]).map_err(std::io::Error::other)?;
    // What carries a secret in the clear is printed by `wire`'s own hand.
    let secret = [".atalaya.v1.EnrollRequest", ".atalaya.v1.UserPassword", ".atalaya.v1.SnmpCommunity"];
    prost_build::Config::new().bytes(["."]).skip_debug(secret).compile_fds(set)
}
