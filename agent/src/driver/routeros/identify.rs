//! Who the router is.

use async_trait::async_trait;

use super::client::{CallError, Client, Command, Row, TrapClass};
use super::{RouterOs, parse};
use crate::driver::{DeviceError, Identify, Identity};

#[async_trait]
impl Identify for RouterOs {
    async fn identify(&self) -> Result<Identity, DeviceError> {
        Ok(identity(&*self.client().await?).await?)
    }
}

/// Asks for resource, name and board; a virtual router has no board and is known by its system id.
pub(super) async fn identity(client: &Client) -> Result<Identity, CallError> {
    let columns = ["uptime", "version", "board-name"];
    let (resource, name, board, license) = futures::try_join!(
        single(client, Command::new("/system/resource/print").columns(&columns)),
        single(client, Command::new("/system/identity/print")),
        single(client, Command::new("/system/routerboard/print")),
        single(client, Command::new("/system/license/print")),
    )?;
    let first =
        |candidates: [&str; 2]| candidates.into_iter().find(|text| !text.is_empty()).unwrap_or("").to_owned();
    Ok(Identity {
        model: first([board.text("model"), resource.text("board-name")]),
        version: parse::version(resource.text("version")).to_owned(),
        serial: first([board.text("serial-number"), license.text("system-id")]),
        name: name.text("name").to_owned(),
        uptime: parse::duration(resource.text("uptime")),
    })
}

/// The one row of a menu; empty where this router has no such menu.
async fn single(client: &Client, command: Command) -> Result<Row, CallError> {
    match client.call(&command).await {
        Ok(reply) => Ok(reply.rows.into_iter().next().unwrap_or_default()),
        Err(error) if error.class() == Some(TrapClass::NoSuchCommand) => Ok(Row::default()),
        Err(error) => Err(error),
    }
}
