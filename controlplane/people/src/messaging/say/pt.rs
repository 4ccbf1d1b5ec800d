use super::{Facts, Said};
use crate::messaging::{FactorChange, IdentityChange, Template};

const NOT_YOU: &str = "Se não foi você, troque sua senha agora, encerre suas outras sessões em Perfil e segurança e avise um \
                       proprietário da empresa.";

pub(super) fn changed(change: FactorChange) -> &'static str {
    match change {
        FactorChange::AppAdded => "Um aplicativo autenticador foi adicionado ao seu acesso.",
        FactorChange::AppRemoved => "O aplicativo autenticador foi removido do seu acesso.",
        FactorChange::PasskeyAdded => "Uma chave de acesso foi adicionada.",
        FactorChange::PasskeyRemoved => "Uma chave de acesso foi removida.",
        FactorChange::PasskeyCopied => {
            "Uma das suas chaves de acesso foi recusada: o contador dela voltou atrás, então pode existir uma cópia. Remova-a e crie outra."
        }
        FactorChange::RecoveryRenewed => {
            "Novos códigos de recuperação foram gerados; os antigos não valem mais."
        }
        FactorChange::RecoveryUsed => "Um código de recuperação foi usado para entrar ou confirmar algo.",
        FactorChange::Reset => {
            "Alguém com permissão removeu seus segundos fatores: o aplicativo, as chaves de acesso e os códigos de recuperação."
        }
    }
}

pub(super) fn account(change: IdentityChange, provider: &str) -> String {
    match change {
        IdentityChange::Allowed => format!(
            "Foi permitido vincular uma conta de {provider} ao seu acesso: a primeira que entrar com o seu e-mail verificado, durante sete dias."
        ),
        IdentityChange::Linked => {
            format!("Uma conta de {provider} foi vinculada: a partir de agora ela entra como você.")
        }
        IdentityChange::Removed => {
            format!("A conta de {provider} que estava permitida ou vinculada não entra mais como você.")
        }
    }
}

/// What was decided, within a sentence and as one.
pub(super) fn decided(approved: bool) -> (&'static str, &'static str) {
    if approved {
        ("aprovou", "Sua solicitação foi aprovada")
    } else {
        ("rejeitou", "Sua solicitação foi rejeitada")
    }
}

pub(super) fn said(template: &Template, facts: &Facts<'_>) -> Said {
    let isp = facts.tenant_name;
    match template {
        Template::NewBrowser { at, address, user_agent } => Said::new(
            format!("Novo acesso em {isp}"),
            vec![
                "Alguém entrou com seu e-mail por um navegador que não era conhecido.".to_owned(),
                format!("Quando: {}\nDe: {address}\nNavegador: {user_agent}", facts.clock(*at)),
                NOT_YOU.to_owned(),
            ],
        ),
        Template::PasswordChanged { at } => Said::new(
            format!("Sua senha em {isp} foi trocada"),
            vec![format!("Sua senha foi trocada em {}.", facts.clock(*at)), NOT_YOU.to_owned()],
        ),
        Template::FactorChanged { at, change } => Said::new(
            format!("Seu segundo fator em {isp}"),
            vec![changed(*change).to_owned(), format!("Quando: {}", facts.clock(*at)), NOT_YOU.to_owned()],
        ),
        Template::IdentityChanged { at, change, provider } => Said::new(
            format!("Outra forma de entrar em {isp}"),
            vec![account(*change, provider), format!("Quando: {}", facts.clock(*at)), NOT_YOU.to_owned()],
        ),
        Template::KeyMade { at, name } => Said::new(
            format!("Uma chave para um programa foi criada em {isp}"),
            vec![
                format!("Com seu acesso foi criada a chave de API “{name}” em {}.", facts.clock(*at)),
                NOT_YOU.to_owned(),
            ],
        ),
        Template::ProgramGranted { at, name, address } => Said::new(
            format!("Um programa age por você em {isp}"),
            vec![
                format!("O programa “{name}” obteve acesso com sua senha."),
                format!("Quando: {}\nDe: {address}", facts.clock(*at)),
                NOT_YOU.to_owned(),
            ],
        ),
        Template::TokenReused { at, name, address } => Said::new(
            format!("O acesso de um programa em {isp} foi encerrado"),
            vec![
                format!(
                    "Uma credencial do programa “{name}” chegou pela segunda vez, então outra pessoa pode ter uma cópia. O acesso foi encerrado."
                ),
                format!("Quando: {}\nDe: {address}", facts.clock(*at)),
                NOT_YOU.to_owned(),
            ],
        ),
        Template::VisitBegun { at, until, operator, reason } => Said::new(
            format!("Um operador da instalação entrou em {isp}"),
            vec![
                format!("{operator}, que administra a instalação, entrou na sua empresa. Motivo: {reason}"),
                format!("De: {}\nNo máximo até: {}", facts.clock(*at), facts.clock(*until)),
                "Em Auditoria você vê o que é feito, e em Visitas da instalação pode encerrar a visita."
                    .to_owned(),
            ],
        ),
        Template::GuessingSlowed { at, address } => Said::new(
            format!("Alguém tenta entrar como você em {isp}"),
            vec![
                "Vários acessos com seu e-mail foram recusados, e os próximos desse lugar têm de esperar. \
                 Você pode entrar como sempre."
                    .to_owned(),
                format!("Quando: {}\nDe: {address}", facts.clock(*at)),
                "Se foi você, use “esqueci minha senha” ou peça uma a quem pode definir. Se não, cuide para não usar a mesma senha \
                 em outro lugar e para ter um segundo fator."
                    .to_owned(),
            ],
        ),
        Template::Invitation { expires_at, .. } => Said::new(
            format!("Convite para {isp}"),
            vec![
                format!("Você já pode trabalhar com o sistema de {isp}. Primeiro defina sua senha."),
                format!("O link vale uma vez, até {}.", facts.clock(*expires_at)),
            ],
        )
        .with_link("Definir a senha"),
        Template::Reset { expires_at, .. } => Said::new(
            format!("Definir outra senha em {isp}"),
            vec![
                "Foi pedido um link com o qual você define outra senha.".to_owned(),
                format!("O link vale uma vez, até {}.", facts.clock(*expires_at)),
                "Se não foi você, não faça nada: sua senha continua a mesma.".to_owned(),
            ],
        )
        .with_link("Definir outra senha"),
        Template::ApprovalDecided { summary, approved, by, reason } => {
            let (became, subject) = decided(*approved);
            let mut paragraphs = vec![format!("{by} {became} o que você pediu: {summary}")];
            paragraphs.extend(reason.as_ref().map(|reason| format!("Motivo: {reason}")));
            Said::new(subject, paragraphs)
        }
        Template::ApprovalRequested { summary, by, until, .. } => Said::new(
            format!("Algo espera sua aprovação em {isp}"),
            vec![
                format!("{by} pediu isto e espera outra pessoa: {summary}"),
                format!("Nada é feito até que alguém aprove. Pode ser decidido até: {}", facts.clock(*until)),
            ],
        )
        .with_link("Ver e decidir"),
    }
}
