use super::Words;

pub(super) const WORDS: Words = Words {
    opening: |facts| {
        format!(
            "Cópia dos dados que {} guarda de uma pessoa\n\nPessoa: {}\nFeita em: {}\nParte: {}\n\n\
             Cada arquivo .json é uma lista de registros. Os valores estão na menor unidade da moeda (centavos) e as horas em UTC.",
            facts.tenant, facts.person, facts.made, facts.part
        )
    },
    rows: |rows| if rows == 1 { "1 registro".to_owned() } else { format!("{rows} registros") },
    file: "arquivo que a equipe deixou com os seus dados",
    closing: "Não estão aqui: senhas, chaves e outros segredos, que ninguém pode ler, e o que trata de outras pessoas. As \
              medições são guardadas por equipamento e não por pessoa.",
    documents: &[
        ("customer", "seus dados de contato e o que a equipe anotou"),
        ("sites", "nós em que tem ou teve um serviço"),
        ("services", "seus serviços"),
        ("rows_on_devices", "o que os equipamentos guardam da sua conexão"),
        ("rows_taken_over", "linhas dos equipamentos das quais vieram seus serviços"),
        ("findings_on_devices", "diferenças encontradas entre os equipamentos e nossos registros"),
        ("invoices", "suas faturas"),
        ("invoice_lines", "linhas das suas faturas"),
        ("payments", "seus pagamentos"),
        ("allocations", "a que fatura foi cada pagamento"),
        ("ledger", "lançamentos da sua conta"),
        ("cut_runs", "revisões de dívida em que apareceu"),
        ("attachments", "como os seus serviços chegam à rede"),
        ("network_points", "o que a rede deve fazer com os seus serviços"),
        ("connections", "última conexão que a rede viu: endereço e equipamento"),
        ("notes", "notas da equipe"),
        ("files", "lista dos arquivos que a equipe deixou"),
        ("events", "o que aconteceu"),
        ("changes", "o que mudou nos seus dados, antes e depois"),
        ("exports", "cópias como esta que foram pedidas"),
        ("user", "sua conta de usuário"),
        ("roles", "seus outros papéis"),
        ("sessions", "suas sessões abertas"),
        ("browsers", "navegadores de onde entrou"),
        ("authenticator", "seu aplicativo de códigos"),
        ("recovery_codes", "quando usou códigos de recuperação"),
        ("passkeys", "suas chaves de acesso"),
        ("links", "links de convite ou de senha que recebeu"),
        ("pushed_browsers", "navegadores em que recebe avisos"),
        ("notices", "avisos que lhe foram enviados"),
        ("notice_preferences", "que avisos quer e em que idioma"),
        ("identities", "contas externas com que entra"),
        ("programs", "programas que agem por você"),
        ("api_keys", "chaves de programas que criou"),
        ("approvals_asked", "operações para as quais pediu uma segunda pessoa"),
        ("approvals_decided", "operações que decidiu como segunda pessoa"),
        ("notes_written", "notas que escreveu, sem o texto"),
        ("files_left", "arquivos que deixou, sem o conteúdo"),
        ("actions", "o que fez no sistema"),
    ],
};
