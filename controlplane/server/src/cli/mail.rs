use super::{open_migrated, print_line};
use crate::config::{Config, host_fingerprint};
use anyhow::{Context, bail};
use atalaya_kernel::{ids::NoticeId, installation, secrets::SecretText};
use atalaya_people::messaging::{Mail, MailError};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum MailCommand {
    /// Sends a message to an address, as the running server would, and says what fails.
    Test {
        /// Whom to.
        #[arg(long)]
        to: String,
    },
}

impl MailCommand {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let Self::Test { to } = self;
        let settings = config
            .mail
            .as_ref()
            .context("no mail server is configured: see [mail] in the configuration file")?;
        // What is wrong with [mail] is told before anything is opened.
        let outbound = config.outbound(false)?;
        let Some((mailer, _)) = &outbound.mail else { bail!("no mail server is configured") };
        let runtime = open_migrated(config).await?;
        let here = installation::open(&runtime, config.environment, &host_fingerprint()).await?;
        let now = runtime.clock.now();
        runtime.db().close().await;
        if here.safe_mode {
            bail!("this database was armed elsewhere: nothing leaves it until `atalaya admin arm`");
        }
        let text =
            format!("This message was sent with `atalaya mail test`. Its server is {}.\n", settings.host);
        let mail = Mail {
            id: NoticeId::new(now),
            date: now,
            from_name: "Atalaya".to_owned(),
            to_name: to.clone(),
            to: to.clone(),
            subject: "Atalaya: test".to_owned(),
            language: "en",
            html: SecretText::new(format!("<p>{}</p>\n", text.trim_end())),
            text: SecretText::new(text),
            logo: None,
        };
        match mailer.send(&mail).await {
            Ok(()) => print_line(&format!("{} took a message to {to}", settings.host)),
            Err(MailError::Refused(said)) => bail!("the message was refused: {said}"),
            Err(MailError::Later(said)) => bail!("{said}"),
        }
        Ok(())
    }
}
