//! Keeping subscribers' rows as they should be: reading as a set, writing in batches, live state after it.

mod addresses;
mod batch;
mod bite;
mod live;
mod profiles;
mod secrets;

use std::collections::HashSet;

use async_trait::async_trait;
use atalaya_protocol::wire;
use tokio::sync::watch;

use super::client::Command;
use super::{RouterOs, map, tables};
use crate::desired::Access;
use crate::driver::{Attachment, BiteCheck, Change, DeviceError, Enforce, ObservedRow, Session, Want};

/// Outcome of one change.
type Outcome = Result<(), DeviceError>;

#[async_trait]
impl Enforce for RouterOs {
    async fn list(&self) -> Result<Vec<Attachment>, DeviceError> {
        let client = self.client().await?;
        let secrets = Command::new("/ppp/secret/print").columns(&["name", "service", "comment"]);
        let queues = Command::new("/queue/simple/print")
            .columns(&["target", "comment"])
            .query("?dynamic=true")
            .query("?#!");
        let (secrets, queues) = futures::try_join!(client.call(&secrets), client.call(&queues))?;
        let of_secrets =
            secrets.rows.iter().filter(|row| tables::is_pppoe(row.text("service"))).map(|row| Attachment {
                method: wire::Method::Pppoe,
                name: row.text("name").into(),
                comment: row.text("comment").into(),
            });
        let of_queues = queues.rows.iter().map(|row| Attachment {
            method: wire::Method::StaticAddress,
            name: crate::desired::bare_address(row.text("target")).into(),
            comment: row.text("comment").into(),
        });
        Ok(of_secrets.chain(of_queues).collect())
    }

    async fn read(&self, wants: &[Want]) -> Result<Vec<ObservedRow>, DeviceError> {
        let client = self.client().await?;
        let options = &self.target.routeros;
        let mut lists: HashSet<String> = HashSet::from([options.cut_address_list.clone()]);
        lists.extend(self.known_cut_list(&client).await?.filter(|list| !list.is_empty()));
        let lists: Vec<String> = lists.into_iter().collect();
        let read = tables::read(&client, wants, &lists, self.clock.now_ms()).await?;
        // Kept for the next time; a list that someone changed meanwhile shows in the next read.
        if let Some(cut) = read.profiles.get(&options.cut_profile) {
            *self.cut_list.lock() = Some(cut.address_list.clone());
        }
        Ok(wants.iter().map(|want| map::observe(want, &read, options)).collect())
    }

    async fn write(&self, changes: &[Change]) -> Vec<Outcome> {
        let client = match self.client().await {
            Ok(client) => client,
            Err(error) => return vec![Err(error); changes.len()],
        };
        let mut outcomes = vec![Ok(()); changes.len()];
        let (pppoe, fixed): (Vec<usize>, Vec<usize>) =
            (0..changes.len()).partition(|at| matches!(changes[*at].want.point.access, Access::Pppoe { .. }));
        profiles::ensure(&client, changes, &pppoe, &self.target.routeros, &mut outcomes).await;
        secrets::write(&client, changes, &pppoe, &mut outcomes).await;
        addresses::prefixes(&client, changes, &pppoe, &self.target.routeros, &mut outcomes).await;
        addresses::write(&client, changes, &fixed, &self.target.routeros, &mut outcomes).await;
        outcomes
    }

    async fn settle(&self, changes: &[Change]) -> Vec<Outcome> {
        match self.client().await {
            Ok(client) => live::settle(&client, changes, self.clock.now_ms()).await,
            Err(error) => vec![Err(error); changes.len()],
        }
    }

    async fn sessions(&self, wants: &[Want]) -> Result<Vec<Vec<Session>>, DeviceError> {
        let client = self.client().await?;
        let mut of_users = tables::sessions(&client, &tables::names(wants), self.clock.now_ms()).await?;
        let of_want = |want: &Want| match &want.point.access {
            Access::Pppoe { user, .. } => of_users.remove(user).unwrap_or_default(),
            Access::Static { .. } | Access::Unsupported { .. } => Vec::new(),
        };
        Ok(wants.iter().map(of_want).collect())
    }

    async fn can_bite(&self) -> Result<Vec<BiteCheck>, DeviceError> {
        let client = self.client().await?;
        Ok(bite::check(&client, &self.target.routeros).await?)
    }

    fn connections(&self) -> watch::Receiver<u64> {
        self.connections.subscribe()
    }
}

impl RouterOs {
    /// Address list that the cut profile puts its sessions on; asked for once.
    async fn known_cut_list(&self, client: &super::client::Client) -> Result<Option<String>, DeviceError> {
        if let Some(known) = self.cut_list.lock().clone() {
            return Ok(Some(known));
        }
        let command = Command::new("/ppp/profile/print")
            .columns(&["address-list"])
            .any_of("name", [self.target.routeros.cut_profile.as_str()]);
        match client.call(&command).await {
            Ok(reply) => Ok(reply.rows.first().map(|row| row.text("address-list").to_owned())),
            Err(error) if error.class() == Some(super::client::TrapClass::NoSuchCommand) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
