use super::*;
use atalaya_kernel::{Error, on_both};
use atalaya_people::{
    access::Role,
    identity,
    messaging::{NoticeTextChange, NoticeWords, PreferenceChange, TemplateField, TemplateName},
    tenancy::{self, TenantChange},
};

fn change(subject: &str, text: &str, version: Option<i64>) -> NoticeTextChange {
    NoticeTextChange { subject: subject.to_owned(), text: text.to_owned(), version }
}

fn wrong<T: std::fmt::Debug>(answer: Result<T, Error>) -> Vec<(String, &'static str, String)> {
    match answer {
        Err(Error::Invalid(fields)) => {
            fields.into_iter().map(|field| (field.pointer, field.code, field.detail)).collect()
        }
        other => unreachable!("{other:?}"),
    }
}

const DECIDED: TemplateName = TemplateName::ApprovalDecided;

on_both!(an_isp_has_words_of_its_own_and_ours_again, |world: World| async move {
    let (ctx, other) = (tenant(&world, "netandina").await, tenant(&world, "other").await);
    let rosa = identity::user_create(&ctx, user(EMAIL, Role::Owner)).await.unwrap().id;
    let stranger = identity::user_create(&other, user(EMAIL, Role::Owner)).await.unwrap().id;
    let post = Post::open();
    let own = change(
        " {outcome} en {isp} ",
        "Estimada {person}:\r\n{by} <b>decidió</b> sobre «{summary}».\n\nMotivo: {reason}\n\nGracias.",
        None,
    );
    let set = messaging::notice_text_set(&ctx, DECIDED, "es-419", own.clone()).await.unwrap();
    assert_eq!((set.version, set.words.subject.as_str()), (Some(1), "{outcome} en {isp}"));
    assert_ne!(set.words, set.ours);

    notify(&ctx, &rosa, &decided("{by} & {isp}"), "a").await;
    let [mail] = post.deliver(&world).await.try_into().ok().unwrap();
    assert_eq!(mail.subject, "Su solicitud fue aprobada en NETANDINA");
    let (text, html) = (mail.text.expose(), mail.html.expose());
    assert!(
        text.contains("\nEstimada Rosa:\nLuis <b>Vega</b> <b>decidió</b> sobre «{by} & {isp}».\n"),
        "{text}"
    );
    assert!(!text.contains("Motivo") && text.contains("\nGracias.\n"), "nobody gave a reason: {text}");
    assert!(
        html.contains("Luis &lt;b&gt;Vega&lt;/b&gt; &lt;b&gt;decidió&lt;/b&gt; sobre «{by} &amp; {isp}»."),
        "{html}"
    );
    assert!(!html.contains("<b>") && text.contains("Hola, Rosa:"), "greeting and end are ours");

    notify(&other, &stranger, &decided("a"), "a").await;
    let [mail] = post.deliver(&world).await.try_into().ok().unwrap();
    assert_eq!(mail.subject, "Su solicitud fue aprobada", "another ISP says it in our words");

    let late = messaging::notice_text_set(&ctx, DECIDED, "es-419", own).await;
    assert!(matches!(late, Err(Error::VersionConflict { current: 1 })), "{late:?}");
    let second = change("Decidido", "{outcome}", Some(1));
    assert_eq!(messaging::notice_text_set(&ctx, DECIDED, "es-419", second).await.unwrap().version, Some(2));
    let back = messaging::notice_text_remove(&ctx, DECIDED, "es-419").await.unwrap();
    assert_eq!((back.version, &back.words), (None, &back.ours));
    let none = messaging::notice_text_remove(&ctx, DECIDED, "es-419").await;
    assert!(matches!(none, Err(Error::NotFound)));
    notify(&ctx, &rosa, &decided("b"), "b").await;
    let [mail] = post.deliver(&world).await.try_into().ok().unwrap();
    assert_eq!(mail.subject, "Su solicitud fue aprobada");
});

on_both!(a_text_that_cannot_be_sent_is_refused_by_name, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let set = |text: &str| {
        messaging::notice_text_set(&ctx, TemplateName::Invitation, "es-419", change("a", text, None))
    };
    let refused = wrong(set("Hola {nombre}, {address}").await);
    assert_eq!((refused[0].0.as_str(), refused[0].1), ("/text", "unknown_field"));
    assert!(refused[0].2.contains("{nombre}") && refused[0].2.contains("{until}"), "{refused:?}");
    assert_eq!(wrong(set("{isp").await)[0].1, "brace");
    assert_eq!(wrong(set(" \n ").await)[0].1, "required");
    assert_eq!(wrong(set(&"x".repeat(4_001)).await)[0].1, "too_long");
    let nowhere = change("a", "b", None);
    let refused = messaging::notice_text_set(&ctx, TemplateName::Invitation, "fr", nowhere.clone()).await;
    assert!(matches!(refused, Err(Error::NotFound)));
    let rosa = identity::user_create(&ctx, user(EMAIL, Role::Owner)).await.unwrap().id;
    let reads = as_person(&ctx, &rosa, Permissions::These([].into()));
    let refused = messaging::notice_text_set(&reads, TemplateName::Invitation, "es-419", nowhere).await;
    assert!(matches!(refused, Err(Error::Forbidden("tenant.write"))));

    let words = NoticeWords { subject: "En {isp}".to_owned(), text: "Hasta {until} <i>".to_owned() };
    let preview = messaging::notice_text_preview(&reads, TemplateName::Invitation, "es-419", &words).await;
    let preview = preview.unwrap();
    assert_eq!(preview.subject, "En NETANDINA");
    assert!(
        preview.text.contains("Hasta 2026-") && preview.text.contains("set-password"),
        "{}",
        preview.text
    );
    assert!(preview.html.contains("&lt;i&gt;"), "{}", preview.html);
    let listed = messaging::notice_texts_list(&reads).await.unwrap().items;
    assert_eq!(listed.len(), TemplateName::ALL.len());
    assert!(listed.iter().all(|one| one.texts.len() == 3 && one.fields.contains(&TemplateField::Person)));
    assert!(listed.iter().flat_map(|one| &one.texts).all(|text| text.version.is_none()), "none was kept");
});

on_both!(a_language_that_is_offered_no_more_is_chosen_no_more, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let rosa = identity::user_create(&ctx, user(EMAIL, Role::Owner)).await.unwrap().id;
    let (me, post) = (as_person(&ctx, &rosa, Permissions::These([].into())), Post::open());
    let choose = |locale: &str| PreferenceChange { locale: Some(locale.to_owned()), choices: vec![] };
    messaging::preferences_change(&me, 1, &choose("pt-BR")).await.unwrap();
    notify(&ctx, &rosa, &decided("a"), "a").await;
    assert_eq!(post.deliver(&world).await[0].language, "pt-BR");
    let offered = vec!["es-419".to_owned(), "en".to_owned()].try_into().unwrap();
    let fewer = TenantChange { languages: Some(offered), ..TenantChange::default() };
    tenancy::tenant_update(&ctx, 1, fewer).await.unwrap();
    notify(&ctx, &rosa, &decided("b"), "b").await;
    assert_eq!(post.deliver(&world).await[0].language, "es-419");
    let refused = wrong(messaging::preferences_change(&me, 2, &choose("pt-BR")).await);
    assert_eq!(refused[0].0, "/locale");
    messaging::preferences_change(&me, 2, &choose("en")).await.unwrap();
});
