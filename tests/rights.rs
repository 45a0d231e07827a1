//! Which rights the functions made use of, noted for `infra/aws/checks/unused.py`.

use std::{fs::OpenOptions, io::Write, path::PathBuf};

use accessing_party::front::Usage;

use crate::setting;

/// Notes at a test's end what its functions were allowed and did: `RIGHTS_USED=/tmp/used cargo test`.
pub(crate) struct Noted(pub(crate) Usage);

impl Drop for Noted {
    fn drop(&mut self) {
        let Some(path) = setting::<PathBuf>("RIGHTS_USED") else { return };
        let lines: Vec<String> =
            self.0.rights().iter().map(|right| right.join(" ") + "\n").collect();
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        // In one piece: other tests end at the same time.
        file.write_all(lines.concat().as_bytes()).unwrap();
    }
}
