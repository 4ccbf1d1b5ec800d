//! All profiles of this process: those built in, and those of a folder over them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::embedded::EMBEDDED;
use super::{Profile, ProfileError, parse};

/// Larger files are no profiles.
const LARGEST_FILE: u64 = 1 << 20;

/// Profiles by id.
#[derive(Debug, Clone, Default)]
pub struct Profiles {
    by_id: BTreeMap<String, Arc<Profile>>,
}

impl Profiles {
    /// None at all: of every device the interfaces are measured.
    pub fn none() -> Self {
        Self::default()
    }

    /// Those built in. A test reads each of them, so that none is broken.
    pub fn embedded() -> Self {
        let mut profiles = Self::default();
        for (file, text) in EMBEDDED {
            match parse(file, text) {
                Ok(profile) => profiles.put(profile),
                // Left out rather than fatal: the interfaces are still measured.
                Err(errors) => errors.iter().for_each(|error| tracing::error!(%error, "built-in profile")),
            }
        }
        profiles
    }

    /// Those built in, with the `*.toml` of a folder over them. A broken file leaves what was there before it in force;
    /// its mistakes are given beside the rest.
    pub fn with_folder(folder: &Path) -> (Self, Vec<ProfileError>) {
        let mut profiles = Self::embedded();
        let mut errors = Vec::new();
        let unreadable =
            |file: &Path, words: String| ProfileError { file: file.display().to_string(), line: 0, words };
        let listed = std::fs::read_dir(folder).and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>()
        });
        let mut files = match listed {
            Ok(files) => files,
            Err(error) => return (profiles, vec![unreadable(folder, error.to_string())]),
        };
        files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
        files.sort();
        let mut from_folder: BTreeMap<String, String> = BTreeMap::new();
        for file in files {
            let name = file.display().to_string();
            let text = match read(&file) {
                Ok(text) => text,
                Err(words) => {
                    errors.push(unreadable(&file, words));
                    continue;
                }
            };
            match parse(&name, &text) {
                Ok(profile) => match from_folder.get(&profile.id) {
                    Some(other) => {
                        let words = format!("the id `{}` is already that of {other}", profile.id);
                        errors.push(ProfileError { file: name, line: 1, words });
                    }
                    None => {
                        from_folder.insert(profile.id.clone(), name);
                        profiles.put(profile);
                    }
                },
                Err(wrong) => errors.extend(wrong),
            }
        }
        (profiles, errors)
    }

    fn put(&mut self, profile: Profile) {
        self.by_id.insert(profile.id.clone(), Arc::new(profile));
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// All of them, by id.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Profile>> {
        self.by_id.values()
    }

    /// One by its id.
    pub fn get(&self, id: &str) -> Option<&Arc<Profile>> {
        self.by_id.get(id)
    }
}

fn read(file: &Path) -> Result<String, String> {
    let length = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
    if length > LARGEST_FILE {
        return Err(format!("{length} bytes are no profile"));
    }
    std::fs::read_to_string(file).map_err(|error| error.to_string())
}
