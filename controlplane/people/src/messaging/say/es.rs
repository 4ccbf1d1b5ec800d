use super::{Facts, Said};
use crate::messaging::{FactorChange, IdentityChange, Template};

const NOT_YOU: &str = "Si no fue usted, cambie su contraseña ahora, cierre sus otras sesiones en Perfil y seguridad y avise a \
                       un propietario de la empresa.";

pub(super) fn changed(change: FactorChange) -> &'static str {
    match change {
        FactorChange::AppAdded => "Se agregó una aplicación de códigos a su acceso.",
        FactorChange::AppRemoved => "Se quitó la aplicación de códigos de su acceso.",
        FactorChange::PasskeyAdded => "Se agregó una llave de acceso.",
        FactorChange::PasskeyRemoved => "Se quitó una llave de acceso.",
        FactorChange::PasskeyCopied => {
            "Una de sus llaves de acceso fue rechazada: su contador retrocedió, así que podría existir una copia. Quítela y haga otra."
        }
        FactorChange::RecoveryRenewed => {
            "Se generaron códigos de recuperación nuevos; los anteriores ya no sirven."
        }
        FactorChange::RecoveryUsed => "Se usó un código de recuperación para entrar o confirmar algo.",
        FactorChange::Reset => {
            "Alguien con permiso quitó sus segundos factores: la aplicación, las llaves de acceso y los códigos de recuperación."
        }
    }
}

pub(super) fn account(change: IdentityChange, provider: &str) -> String {
    match change {
        IdentityChange::Allowed => format!(
            "Se permitió vincular una cuenta de {provider} con su acceso: la primera que entre con su correo verificado, durante siete días."
        ),
        IdentityChange::Linked => {
            format!("Una cuenta de {provider} quedó vinculada: desde ahora con ella se entra como usted.")
        }
        IdentityChange::Removed => {
            format!("Con la cuenta de {provider} que estaba permitida o vinculada ya no se entra como usted.")
        }
    }
}

/// What was decided, within a sentence and as one.
pub(super) fn decided(approved: bool) -> (&'static str, &'static str) {
    if approved {
        ("aprobó", "Su solicitud fue aprobada")
    } else {
        ("rechazó", "Su solicitud fue rechazada")
    }
}

pub(super) fn said(template: &Template, facts: &Facts<'_>) -> Said {
    let isp = facts.tenant_name;
    match template {
        Template::NewBrowser { at, address, user_agent } => Said::new(
            format!("Nuevo ingreso en {isp}"),
            vec![
                "Alguien entró con su correo desde un navegador que no se conocía.".to_owned(),
                format!("Cuándo: {}\nDesde: {address}\nNavegador: {user_agent}", facts.clock(*at)),
                NOT_YOU.to_owned(),
            ],
        ),
        Template::PasswordChanged { at } => Said::new(
            format!("Su contraseña en {isp} cambió"),
            vec![format!("Su contraseña se cambió el {}.", facts.clock(*at)), NOT_YOU.to_owned()],
        ),
        Template::FactorChanged { at, change } => Said::new(
            format!("Su segundo factor en {isp}"),
            vec![changed(*change).to_owned(), format!("Cuándo: {}", facts.clock(*at)), NOT_YOU.to_owned()],
        ),
        Template::IdentityChanged { at, change, provider } => Said::new(
            format!("Otra forma de entrar en {isp}"),
            vec![account(*change, provider), format!("Cuándo: {}", facts.clock(*at)), NOT_YOU.to_owned()],
        ),
        Template::KeyMade { at, name } => Said::new(
            format!("Se creó una clave para un programa en {isp}"),
            vec![
                format!("Con su acceso se creó la clave de API «{name}» el {}.", facts.clock(*at)),
                NOT_YOU.to_owned(),
            ],
        ),
        Template::ProgramGranted { at, name, address } => Said::new(
            format!("Un programa actúa en su nombre en {isp}"),
            vec![
                format!("El programa «{name}» obtuvo acceso con su contraseña."),
                format!("Cuándo: {}\nDesde: {address}", facts.clock(*at)),
                NOT_YOU.to_owned(),
            ],
        ),
        Template::TokenReused { at, name, address } => Said::new(
            format!("Se cortó el acceso de un programa en {isp}"),
            vec![
                format!(
                    "Una credencial del programa «{name}» llegó por segunda vez, así que otra persona podría tener una copia. Su acceso se cortó."
                ),
                format!("Cuándo: {}\nDesde: {address}", facts.clock(*at)),
                NOT_YOU.to_owned(),
            ],
        ),
        Template::VisitBegun { at, until, operator, reason } => Said::new(
            format!("Un operador de la instalación entró en {isp}"),
            vec![
                format!("{operator}, que administra la instalación, entró en su empresa. Motivo: {reason}"),
                format!("Desde: {}\nComo máximo hasta: {}", facts.clock(*at), facts.clock(*until)),
                "En Auditoría se ve lo que hace, y en Visitas de la instalación puede terminar la visita."
                    .to_owned(),
            ],
        ),
        Template::GuessingSlowed { at, address } => Said::new(
            format!("Alguien intenta entrar como usted en {isp}"),
            vec![
                "Se rechazaron varios ingresos con su correo, y los siguientes desde ese lugar tienen que esperar. \
                 Usted puede entrar como siempre."
                    .to_owned(),
                format!("Cuándo: {}\nDesde: {address}", facts.clock(*at)),
                "Si fue usted, use «olvidé mi contraseña» o pida una a quien pueda ponerla. Si no, asegúrese de no usar la misma \
                 contraseña en otro lugar y de tener un segundo factor."
                    .to_owned(),
            ],
        ),
        Template::Invitation { expires_at, .. } => Said::new(
            format!("Invitación a {isp}"),
            vec![
                format!("Ya puede trabajar con el sistema de {isp}. Primero ponga su contraseña."),
                format!("El enlace sirve una vez, hasta el {}.", facts.clock(*expires_at)),
            ],
        )
        .with_link("Poner la contraseña"),
        Template::Reset { expires_at, .. } => Said::new(
            format!("Poner otra contraseña en {isp}"),
            vec![
                "Se pidió un enlace con el que usted pone otra contraseña.".to_owned(),
                format!("El enlace sirve una vez, hasta el {}.", facts.clock(*expires_at)),
                "Si no fue usted, no haga nada: su contraseña sigue igual.".to_owned(),
            ],
        )
        .with_link("Poner otra contraseña"),
        Template::ApprovalDecided { summary, approved, by, reason } => {
            let (became, subject) = decided(*approved);
            let mut paragraphs = vec![format!("{by} {became} lo que usted pidió: {summary}")];
            paragraphs.extend(reason.as_ref().map(|reason| format!("Motivo: {reason}")));
            Said::new(subject, paragraphs)
        }
        Template::ApprovalRequested { summary, by, until, .. } => Said::new(
            format!("Algo espera su aprobación en {isp}"),
            vec![
                format!("{by} pidió esto y espera a otra persona: {summary}"),
                format!("Nada se hace hasta que alguien lo apruebe. Se puede decidir hasta: {}", facts.clock(*until)),
            ],
        )
        .with_link("Ver y decidir"),
    }
}
