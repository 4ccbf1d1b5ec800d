//! The folder of the built web app must exist, even empty, for it to be compiled in.
use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/dist");
    println!("cargo:rerun-if-changed={}", dist.display());
    fs::create_dir_all(dist)
}
