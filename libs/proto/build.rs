//! Compiles the published contract with protox, so that nobody has to install protoc.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

const FILES: [&str; 9] = [
    "liem/ledger/v1/ledger.proto",
    "liem/directory/v1/directory.proto",
    "liem/delivery/v1/delivery.proto",
    "liem/conduct/v1/conduct.proto",
    "liem/discipline/v1/discipline.proto",
    "liem/audit/v1/audit.proto",
    "liem/leaderboard/v1/leaderboard.proto",
    "liem/obligations/v1/obligations.proto",
    "liem/view/v1/view.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let descriptors = protox::compile(FILES, [&root])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().bytes(".").include_file("contract.rs").compile_fds(descriptors)?;
    Ok(())
}
