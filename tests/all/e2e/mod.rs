//! The whole product: real processes, real sockets, on both databases.

mod main_job;

use atalaya_kernel::testing::postgres_database;
use atalaya_tests::{
    harness::Options,
    isp::{Isp, Size},
};
use std::path::Path;

/// Which database the control plane stands on.
#[derive(Debug, Clone, Copy)]
enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    fn options(self, folder: &Path) -> Options {
        let database = match self {
            Self::Sqlite => None,
            Self::Postgres => {
                let runtime = tokio::runtime::Runtime::new().expect("a test has threads");
                Some(runtime.block_on(postgres_database()))
            }
        };
        Options { database, ..Options::in_folder(&folder.join("control-plane")) }
    }

    fn isp(self, folder: &Path, size: Size) -> Isp {
        Isp::start(folder, self.options(folder), size).expect("the fictional ISP starts")
    }
}

/// Runs a test on each database.
macro_rules! on_each_database {
    ($name:ident) => {
        mod $name {
            #[test]
            fn sqlite() {
                super::$name(super::super::Database::Sqlite);
            }
            #[test]
            fn postgres() {
                super::$name(super::super::Database::Postgres);
            }
        }
    };
}
use on_each_database;
