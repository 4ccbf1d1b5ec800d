//! What a link of the chain covers. Pure: no clock, no database.
//!
//! A link is the SHA-256 of the link before it, the position, and what the row says. Of what may be personal, which is
//! the actor's name and the contents, it covers a salted hash that stands beside the value: when value and salt are
//! erased, the hash stays and the chain with it, and without the salt a name cannot be guessed from the hash.

use crate::time::Timestamp;
use sha2::{Digest, Sha256};

/// A SHA-256.
pub(super) type Hash = [u8; 32];
/// Before the first row.
pub(super) const START: Hash = [0; 32];
/// Bytes of a salt.
pub(super) const SALT_BYTES: usize = 16;

/// First in every hash, so that none of one kind passes for another.
const ROW: &str = "atalaya audit row 1";
const ACTOR: &str = "atalaya audit actor 1";
const CONTENT: &str = "atalaya audit content 1";

/// A row as the chain sees it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Sealed {
    pub(super) id: String,
    pub(super) occurred_at: Timestamp,
    pub(super) actor_kind: String,
    pub(super) actor_id: String,
    pub(super) actor_name: String,
    pub(super) action: String,
    pub(super) entity_kind: String,
    pub(super) entity_id: String,
    pub(super) before_state: Option<String>,
    pub(super) after_state: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) request_id: String,
    pub(super) position: Option<i64>,
    pub(super) actor_salt: Option<Vec<u8>>,
    pub(super) actor_hash: Option<Vec<u8>>,
    pub(super) content_salt: Option<Vec<u8>>,
    pub(super) content_hash: Option<Vec<u8>>,
    pub(super) chain: Option<Vec<u8>>,
}

/// Puts fields one after another so that no two lists of fields look alike.
struct Fields(Sha256);

impl Fields {
    fn of(kind: &str) -> Self {
        Self(Sha256::new()).bytes(kind.as_bytes())
    }
    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.update(bytes);
        self
    }
    fn number(mut self, number: i64) -> Self {
        self.0.update(number.to_be_bytes());
        self
    }
    fn optional(mut self, text: Option<&str>) -> Self {
        match text {
            None => {
                self.0.update([0]);
                self
            }
            Some(text) => {
                self.0.update([1]);
                self.bytes(text.as_bytes())
            }
        }
    }
    fn end(self) -> Hash {
        self.0.finalize().into()
    }
}

impl Sealed {
    pub(super) fn hash_of_actor(&self, salt: &[u8]) -> Hash {
        Fields::of(ACTOR).bytes(salt).bytes(self.actor_name.as_bytes()).end()
    }

    pub(super) fn hash_of_content(&self, salt: &[u8]) -> Hash {
        Fields::of(CONTENT)
            .bytes(salt)
            .optional(self.before_state.as_deref())
            .optional(self.after_state.as_deref())
            .optional(self.reason.as_deref())
            .end()
    }

    /// The link of this row at a position of a trail.
    pub(super) fn link(
        &self,
        trail: &str,
        previous: &Hash,
        position: i64,
        actor_hash: &[u8],
        content_hash: &[u8],
    ) -> Hash {
        Fields::of(ROW)
            .bytes(previous)
            .number(position)
            .bytes(trail.as_bytes())
            .bytes(self.id.as_bytes())
            .number(self.occurred_at.as_millis())
            .bytes(self.actor_kind.as_bytes())
            .bytes(self.actor_id.as_bytes())
            .bytes(self.action.as_bytes())
            .bytes(self.entity_kind.as_bytes())
            .bytes(self.entity_id.as_bytes())
            .bytes(self.request_id.as_bytes())
            .bytes(actor_hash)
            .bytes(content_hash)
            .end()
    }

    /// Whether the actor's name was erased.
    pub(super) fn is_actor_erased(&self) -> bool {
        self.actor_salt.is_none() && self.actor_name.is_empty()
    }

    /// Whether the contents were erased.
    pub(super) fn is_content_erased(&self) -> bool {
        self.content_salt.is_none()
            && self.before_state.is_none()
            && self.after_state.is_none()
            && self.reason.is_none()
    }

    /// Whether this sealed row, at a position after a link, is what was sealed; its own link if it is.
    pub(super) fn verified(&self, trail: &str, previous: &Hash, position: i64) -> Option<Hash> {
        let (actor_hash, content_hash) = (self.actor_hash.as_deref()?, self.content_hash.as_deref()?);
        let actor_holds = match &self.actor_salt {
            Some(salt) => self.hash_of_actor(salt)[..] == *actor_hash,
            None => self.is_actor_erased(),
        };
        let content_holds = match &self.content_salt {
            Some(salt) => self.hash_of_content(salt)[..] == *content_hash,
            None => self.is_content_erased(),
        };
        let link = self.link(trail, previous, position, actor_hash, content_hash);
        (actor_holds && content_holds && self.chain.as_deref() == Some(&link[..])).then_some(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row sealed at position 1.
    fn sealed() -> Sealed {
        let mut row = Sealed {
            id: "aud_1".to_owned(),
            occurred_at: Timestamp::from_millis(7),
            actor_kind: "user".to_owned(),
            actor_id: "usr_1".to_owned(),
            actor_name: "Rosa".to_owned(),
            action: "customer.write".to_owned(),
            entity_kind: "customer".to_owned(),
            entity_id: "cus_1".to_owned(),
            before_state: None,
            after_state: Some("{}".to_owned()),
            reason: None,
            request_id: "req".to_owned(),
            position: Some(1),
            actor_salt: Some(vec![1; SALT_BYTES]),
            actor_hash: None,
            content_salt: Some(vec![2; SALT_BYTES]),
            content_hash: None,
            chain: None,
        };
        row.actor_hash = Some(row.hash_of_actor(&[1; SALT_BYTES]).to_vec());
        row.content_hash = Some(row.hash_of_content(&[2; SALT_BYTES]).to_vec());
        let link = row.link(
            "t",
            &START,
            1,
            row.actor_hash.as_deref().unwrap(),
            row.content_hash.as_deref().unwrap(),
        );
        row.chain = Some(link.to_vec());
        row
    }

    #[test]
    fn any_change_of_a_row_is_seen_and_an_erased_one_holds() {
        let row = sealed();
        assert!(row.verified("t", &START, 1).is_some());
        assert!(row.verified("other", &START, 1).is_none());
        assert!(row.verified("t", &[1; 32], 1).is_none());
        assert!(row.verified("t", &START, 2).is_none());
        let changes: [fn(&mut Sealed); 14] = [
            |row| row.id.push('x'),
            |row| row.occurred_at = row.occurred_at.plus_millis(1),
            |row| row.actor_kind.push('x'),
            |row| row.actor_id.push('x'),
            |row| row.actor_name.push('x'),
            |row| row.action.push('x'),
            |row| row.entity_kind.push('x'),
            |row| row.entity_id.push('x'),
            |row| row.before_state = Some(String::new()),
            |row| row.after_state = None,
            |row| row.reason = Some("x".to_owned()),
            |row| row.request_id.push('x'),
            |row| row.actor_salt = None,
            |row| row.content_salt = None,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = row.clone();
            change(&mut changed);
            assert!(changed.verified("t", &START, 1).is_none(), "change {number}");
        }
        // A text that moves from one field to the next is another row.
        let moved =
            Sealed { action: "customer.writecust".to_owned(), entity_kind: "omer".to_owned(), ..row.clone() };
        assert!(moved.verified("t", &START, 1).is_none());
        let erased = Sealed {
            actor_name: String::new(),
            actor_salt: None,
            after_state: None,
            content_salt: None,
            ..row
        };
        assert!(erased.verified("t", &START, 1).is_some());
    }
}
