//! A mail server, spoken to by SMTP (RFC 5321), with each message on a connection of its own.
//!
//! The `Message-ID` is made of the notice's id: a message that was taken, and of which we did not hear that it was, is sent
//! again under the same. What a server says is told in its words, behind ours: which of the two ends is to be mended.

use crate::config::{Encryption, Mail as Settings};
use anyhow::{Context, bail};
use atalaya_kernel::spans;
use atalaya_people::messaging::{LOGO_CID, Mail, MailError, Mailer};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Attachment, Mailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
        extension::ClientId,
    },
};
use std::{fs, io, net::IpAddr, time::Duration};

/// The mail server.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
    /// For sentences.
    place: String,
    within: Duration,
}

/// Answers that say "not you" and not "not this message": somebody has to mend the settings, and then it is taken.
/// RFC 4954: authentication is required, is too weak, failed, needs encryption; RFC 3207: TLS first.
const NOT_US: [u16; 4] = [530, 534, 535, 538];

impl Smtp {
    /// Prepares; opens no connection.
    ///
    /// # Errors
    /// A setting that cannot be, named.
    pub fn new(settings: &Settings, password: Option<&str>) -> anyhow::Result<Self> {
        let Settings { host, encryption, .. } = settings;
        if *encryption == Encryption::None && !is_here(host) {
            bail!(
                "[mail] encryption may be none only for a server on this machine: links would cross the network in the clear"
            );
        }
        if !(1..=12).contains(&settings.timeout_s) {
            bail!("[mail] timeout_s must be 1 to 12");
        }
        let from: Address =
            settings.from.parse().context("[mail] from must be an address such as avisos@isp.example")?;
        let port = settings.port.unwrap_or(encryption.port());
        let within = Duration::from_secs(settings.timeout_s);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .timeout(Some(within))
            .hello_name(ClientId::Domain(from.domain().to_owned()))
            .tls(tls(settings)?);
        builder = match (&settings.user, password) {
            (Some(user), Some(password)) => {
                builder.credentials(Credentials::new(user.clone(), password.to_owned()))
            }
            (None, None) => builder,
            (Some(_), None) => bail!("[mail] user needs a password: file:PATH, env:NAME or credential:NAME"),
            (None, Some(_)) => bail!("[mail] password needs a user"),
        };
        Ok(Self { transport: builder.build(), from, place: format!("{host}:{port}"), within })
    }

    fn message(&self, mail: &Mail) -> Result<Message, MailError> {
        let refused =
            |what: &str, error: &dyn std::error::Error| MailError::Refused(format!("{what}: {error}"));
        let to: Address = mail.to.parse().map_err(|error| refused("this is no e-mail address", &error))?;
        let since = Duration::from_millis(u64::try_from(mail.date.as_millis()).unwrap_or(0));
        Message::builder()
            .from(Mailbox::new(Some(mail.from_name.clone()), self.from.clone()))
            .to(Mailbox::new(Some(mail.to_name.clone()), to))
            .subject(&mail.subject)
            .date(std::time::UNIX_EPOCH + since)
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.domain())))
            // Nobody's absence note answers it (RFC 3834).
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("Content-Language", mail.language))
            .multipart(parts(mail).map_err(|error| refused("the logo has no media type", &error))?)
            .map_err(|error| refused("the message cannot be written", &error))
    }

    async fn hand_over(&self, message: Message) -> Result<(), MailError> {
        // The library's limit is for each step: a server that answers each a moment before it has no end.
        match tokio::time::timeout(self.within, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.explained(&error)),
            Err(_) => Err(MailError::Later(format!(
                "{} did not take the message within {} s",
                self.place,
                self.within.as_secs()
            ))),
        }
    }

    /// What went wrong, and whether the message is to blame.
    fn explained(&self, error: &lettre::transport::smtp::Error) -> MailError {
        let place = &self.place;
        if is_of_tls(error) {
            return MailError::Later(format!(
                "no protected connection to {place}; its certificate must be for this name and from an authority that is known here ([mail] ca_file), and [mail] encryption what this port speaks: {error}"
            ));
        }
        let Some(code) = error.status() else {
            return MailError::Later(format!("{place} does not take messages now: {}", chain(error)));
        };
        if NOT_US.contains(&u16::from(code)) {
            return MailError::Later(format!(
                "{place} does not let us in; look at [mail] user and password: {error}"
            ));
        }
        let said = format!("{place} said: {error}");
        if error.is_permanent() { MailError::Refused(said) } else { MailError::Later(said) }
    }
}

/// Plain text, or HTML with the picture that it shows.
fn parts(mail: &Mail) -> Result<MultiPart, lettre::message::header::ContentTypeErr> {
    let plain = SinglePart::plain(mail.text.expose().to_owned());
    let html = SinglePart::html(mail.html.expose().to_owned());
    let both = MultiPart::alternative().singlepart(plain);
    let Some(logo) = &mail.logo else { return Ok(both.singlepart(html)) };
    let picture = Attachment::new_inline(LOGO_CID.to_owned())
        .body(logo.content.to_vec(), ContentType::parse(logo.media_type)?);
    Ok(both.multipart(MultiPart::related().singlepart(html).singlepart(picture)))
}

fn tls(settings: &Settings) -> anyhow::Result<Tls> {
    if settings.encryption == Encryption::None {
        return Ok(Tls::None);
    }
    let mut parameters = TlsParameters::builder(settings.host.clone());
    if let Some(path) = &settings.ca_file {
        let pem =
            fs::read(path).with_context(|| format!("[mail] ca_file: cannot read {}", path.display()))?;
        let certificates = Certificate::from_pem(&pem)
            .with_context(|| format!("[mail] ca_file: {} is wrong", path.display()))?;
        parameters = parameters.certificate_store(CertificateStore::None).add_root_certificate(certificates);
    }
    let parameters =
        parameters.build().context("[mail] the authorities that this system trusts cannot be read")?;
    Ok(match settings.encryption {
        Encryption::Tls => Tls::Wrapper(parameters),
        Encryption::Starttls | Encryption::None => Tls::Required(parameters),
    })
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// Whether the protection of the connection failed: the library reports it as any other failure to connect.
fn is_of_tls(error: &lettre::transport::smtp::Error) -> bool {
    let of_tls = |cause: &(dyn std::error::Error + 'static)| {
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>())
    };
    error.is_tls()
        || std::iter::successors(std::error::Error::source(error), |cause| cause.source()).any(of_tls)
}

/// An error with its causes; the library's own text has the first of them already.
fn chain(error: &lettre::transport::smtp::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error).and_then(std::error::Error::source);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[async_trait::async_trait]
impl Mailer for Smtp {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.message(mail)?;
        spans::within(spans::of_call("mail"), self.hand_over(message)).await
    }
}
