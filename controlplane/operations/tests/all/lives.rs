//! A customer with everything that can be held of one, each thing with words that stand nowhere else.

use crate::region::Region;
use atalaya_kernel::{Ctx, ids::CustomerId, money::Money, notes::StoredFile, secrets::SecretText};
use atalaya_money::{
    billing::{self, NewInvoice},
    payments::{self, Method, NewPayment},
    services::{self, NewService},
};
use atalaya_network::{
    attachments::{self, NewAttachment, NewAttachmentPoint},
    provisioning::AttachmentKind,
};
use atalaya_operations::notes::{
    NewFile, NewNote, NoteChange, file_create, note_create, note_remove, note_update,
};
use atalaya_people::customers::{self, CustomerChange, NewCustomer};

/// Words that are held of somebody, by what they are of.
fn mark(of: &str, what: &str) -> String {
    format!("{}-{what}-7741", of.to_lowercase())
}

/// What there is of a customer.
const WHAT: &[&str] = &[
    "apellido",
    "nombreviejo",
    "documento",
    "telefono",
    "correo",
    "direccion",
    "apunte",
    "domicilio",
    "renglon",
    "deposito",
    "operacion",
    "usuario",
    "notacliente",
    "notacambiada",
    "notaborrada",
    "notaservicio",
    "notafactura",
    "archivo",
];

/// All of them, of a customer of this name.
pub(crate) fn marked(of: &str) -> Vec<String> {
    WHAT.iter().map(|what| mark(of, what)).collect()
}

/// A customer with all of it.
pub(crate) struct Rosa {
    pub(crate) customer: CustomerId,
    pub(crate) file: StoredFile,
    pub(crate) bytes: Vec<u8>,
    /// Of the way into the network.
    pub(crate) secret: String,
}

impl Rosa {
    pub(crate) async fn of(region: &Region, name: &str) -> Self {
        Self::by(region, &region.ctx, name).await
    }

    /// The same, entered by somebody.
    pub(crate) async fn by(region: &Region, ctx: &Ctx, name: &str) -> Self {
        let m = |what: &str| mark(name, what);
        let new = NewCustomer {
            name: format!("{name} {}", m("nombreviejo")),
            document: Some(m("documento")),
            phone: Some(m("telefono")),
            email: Some(format!("{}@correo.example", m("correo"))),
            address: Some(m("direccion")),
            notes: Some(m("apunte")),
        };
        let customer = customers::customer_create(ctx, new).await.unwrap();
        let change =
            CustomerChange { name: Some(format!("{name} {}", m("apellido"))), ..CustomerChange::default() };
        let customer =
            customers::customer_update(ctx, &customer.id, customer.version, change).await.unwrap().id;
        let new = NewService {
            customer_id: customer.clone(),
            plan_id: region.plan.clone(),
            site_id: region.hill.clone(),
            address: Some(m("domicilio")),
            starts_on: None,
        };
        let service = services::service_create(ctx, new).await.unwrap().id;
        let price = Money::new(8_900, "PEN".parse().unwrap());
        let new = NewInvoice {
            customer_id: customer.clone(),
            service_id: Some(service.clone()),
            description: m("renglon"),
            amount: price,
            due_on: "2026-12-10".parse().unwrap(),
            is_fee: false,
        };
        let invoice = billing::invoice_create(ctx, new).await.unwrap().id;
        let new = NewPayment {
            customer_id: customer.clone(),
            amount: price,
            method: Method::Transfer,
            operation_number: Some(m("operacion")),
            received_at: None,
            note: Some(m("deposito")),
        };
        payments::payment_register(ctx, new, None).await.unwrap();
        let secret = m("clave");
        let router = region.router(&format!("RB {name}"), &region.hill).await;
        let new = NewAttachment {
            kind: AttachmentKind::Pppoe,
            user: Some(m("usuario")),
            password: Some(SecretText::new(secret.clone())),
            address: None,
            profile: None,
            adopt: false,
            points: vec![NewAttachmentPoint { device_id: router }],
        };
        attachments::attachment_create(ctx, &service, new).await.unwrap();

        let leave = async |subject: &str, what: &str| {
            let new = NewNote { subject: subject.to_owned(), text: m(what) };
            note_create(ctx, new).await.unwrap()
        };
        let note = leave(customer.as_str(), "notacliente").await;
        let change = NoteChange { text: Some(m("notacambiada")), pinned: None };
        note_update(ctx, &note.id, note.version, change).await.unwrap();
        let gone = leave(customer.as_str(), "notaborrada").await;
        note_remove(ctx, &gone.id).await.unwrap();
        leave(service.as_str(), "notaservicio").await;
        leave(invoice.as_str(), "notafactura").await;
        let bytes = format!("contrato {}", m("archivo")).into_bytes();
        let new = NewFile { subject: customer.to_string(), name: format!("{}.txt", m("archivo")) };
        let file = file_create(ctx, &new, bytes.clone()).await.unwrap();
        Self { customer, file, bytes, secret }
    }
}
