//! Compiles the wire schema with a pure-Rust protobuf compiler: no `protoc` to install.
use std::io::Result;

fn main() -> Result<()> {
    let files =
        ["control", "enrol", "config", "state", "job", "telemetry"].map(|name| format!("proto/{name}.proto"));
    for file in &files {
        println!("cargo:rerun-if-changed={file}");
    }
    let set = protox::compile(&files, ["proto"]).map_err(std::io::Error::other)?;
    prost_build::Config::new().bytes(["."]).compile_fds(set)
}
