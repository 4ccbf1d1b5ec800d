use super::Words;

pub(super) const WORDS: Words = Words {
    opening: |facts| {
        format!(
            "Copia de los datos que {} guarda de una persona\n\nPersona: {}\nHecha: {}\nParte: {}\n\n\
             Cada archivo .json es una lista de registros. Los importes están en la unidad menor de la moneda (céntimos) y las \
             horas en UTC.",
            facts.tenant, facts.person, facts.made, facts.part
        )
    },
    rows: |rows| if rows == 1 { "1 registro".to_owned() } else { format!("{rows} registros") },
    file: "archivo que el personal dejó con sus datos",
    closing: "No están aquí: contraseñas, claves y otros secretos, que nadie puede leer, y lo que trata de otras personas. Las \
              mediciones se guardan por equipo y no por persona.",
    documents: &[
        ("customer", "sus datos de contacto y lo que el personal anotó"),
        ("sites", "nodos donde tiene o tuvo un servicio"),
        ("services", "sus servicios"),
        ("rows_on_devices", "lo que los equipos guardan de su conexión"),
        ("rows_taken_over", "filas de los equipos de las que salieron sus servicios"),
        ("findings_on_devices", "diferencias halladas entre los equipos y nuestros registros"),
        ("invoices", "sus facturas"),
        ("invoice_lines", "líneas de sus facturas"),
        ("payments", "sus pagos"),
        ("allocations", "a qué factura se aplicó cada pago"),
        ("ledger", "movimientos de su cuenta"),
        ("cut_runs", "revisiones de deuda en las que apareció"),
        ("attachments", "cómo sus servicios llegan a la red"),
        ("network_points", "qué debe hacer la red con sus servicios"),
        ("connections", "última conexión que vio la red: dirección y equipo"),
        ("notes", "notas del personal"),
        ("files", "lista de los archivos que el personal dejó"),
        ("events", "lo que ocurrió"),
        ("changes", "qué se cambió en sus datos, antes y después"),
        ("exports", "copias como esta que se pidieron"),
        ("user", "su cuenta de usuario"),
        ("roles", "sus otros roles"),
        ("sessions", "sus sesiones abiertas"),
        ("browsers", "navegadores desde los que entró"),
        ("authenticator", "su aplicación de códigos"),
        ("recovery_codes", "cuándo usó códigos de recuperación"),
        ("passkeys", "sus llaves de acceso"),
        ("links", "enlaces de invitación o de contraseña que recibió"),
        ("pushed_browsers", "navegadores en los que recibe avisos"),
        ("notices", "avisos que se le enviaron"),
        ("notice_preferences", "qué avisos quiere y en qué idioma"),
        ("identities", "cuentas externas con las que entra"),
        ("programs", "programas que actúan por usted"),
        ("api_keys", "claves de programas que creó"),
        ("approvals_asked", "operaciones para las que pidió una segunda persona"),
        ("approvals_decided", "operaciones que decidió como segunda persona"),
        ("notes_written", "notas que escribió, sin el texto"),
        ("files_left", "archivos que dejó, sin el contenido"),
        ("actions", "lo que hizo en el sistema"),
    ],
};
