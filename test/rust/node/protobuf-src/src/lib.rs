//! Stands for the crate that builds protoc: the path of the one that is installed.

use std::path::PathBuf;

pub fn protoc() -> PathBuf {
    std::env::var_os("PROTOC").map_or_else(|| "protoc".into(), PathBuf::from)
}

pub fn include() -> PathBuf {
    "/usr/include".into()
}
