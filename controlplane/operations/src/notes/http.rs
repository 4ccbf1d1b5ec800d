//! `/notes` and `/files`.

use super::{FileContent, NewFile, NewNote, NoteChange, SubjectQuery, files, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{IfMatch, Json, Path, Problem, Query, Upload, Versioned},
    ids::{FileId, NoteId},
    notes::{Note, StoredFile},
    page::{Page, PageQuery},
};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of notes and files.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(notes, note_create))
        .routes(routes!(note, note_update, note_remove))
        .routes(routes!(files, file_create))
        .routes(routes!(file_remove))
        .routes(routes!(file_content))
}

/// The bytes of a file.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "the document's name for it; bytes travel as they are")]
pub(crate) struct FileBytes(Vec<u8>);

/// Notes of a thing, the pinned ones first and then the newest.
#[utoipa::path(get, path = "/notes", tag = "notes", params(SubjectQuery, PageQuery),
    responses((status = 200, body = Page<Note>), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn notes(
    ctx: Ctx,
    Query(of): Query<SubjectQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Note>>, Error> {
    service::notes_list(&ctx, &of.subject, &page).await.map(Json)
}

/// Leaves a note with a thing.
#[utoipa::path(post, path = "/notes", tag = "notes",
    request_body(content = NewNote, example = json!({"subject": "cus_01jd3k5m7nf8v9q0r1s2t3w4x5", "text": "Llamar después de las 18 h"})),
    responses((status = 201, body = Note), (status = 404, body = Problem), (status = 409, description = "`too_many`: there are as many as one thing may have", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("note.write"))))]
async fn note_create(ctx: Ctx, Json(new): Json<NewNote>) -> Result<(StatusCode, Versioned<Note>), Error> {
    let note = service::note_create(&ctx, new).await?;
    Ok((StatusCode::CREATED, Versioned(note.version, note)))
}

/// One note.
#[utoipa::path(get, path = "/notes/{id}", tag = "notes", params(("id" = NoteId, Path)),
    responses((status = 200, body = Note), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn note(ctx: Ctx, Path(id): Path<NoteId>) -> Result<Versioned<Note>, Error> {
    let note = service::note_get(&ctx, &id).await?;
    Ok(Versioned(note.version, note))
}

/// Changes or pins a note; the words are their author's.
#[utoipa::path(patch, path = "/notes/{id}", tag = "notes",
    params(("id" = NoteId, Path), ("If-Match" = String, Header)),
    request_body(content = NoteChange, example = json!({"pinned": true})),
    responses((status = 200, body = Note), (status = 404, body = Problem), (status = 409, description = "`not_the_author`: somebody else wrote or left this", body = Problem), (status = 412, body = Problem)),
    extensions(("x-permission" = json!("note.write"))))]
async fn note_update(
    ctx: Ctx,
    Path(id): Path<NoteId>,
    IfMatch(version): IfMatch,
    Json(change): Json<NoteChange>,
) -> Result<Versioned<Note>, Error> {
    let note = service::note_update(&ctx, &id, version, change).await?;
    Ok(Versioned(note.version, note))
}

/// Removes a note; another's with `note.remove` only.
#[utoipa::path(delete, path = "/notes/{id}", tag = "notes", params(("id" = NoteId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, description = "`not_the_author`: somebody else wrote or left this", body = Problem)),
    extensions(("x-permission" = json!("note.write"))))]
async fn note_remove(ctx: Ctx, Path(id): Path<NoteId>) -> Result<StatusCode, Error> {
    service::note_remove(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Files of a thing, the newest first.
#[utoipa::path(get, path = "/files", tag = "notes", params(SubjectQuery, PageQuery),
    responses((status = 200, body = Page<StoredFile>), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn files(
    ctx: Ctx,
    Query(of): Query<SubjectQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<StoredFile>>, Error> {
    files::files_list(&ctx, &of.subject, &page).await.map(Json)
}

/// Leaves a file with a thing: a PDF, a picture (PNG, JPEG, GIF, WebP) or a text in UTF-8 of at most 10 MB.
///
/// The body is the bytes themselves. What they are is read from them: `Content-Type` is not believed.
#[utoipa::path(post, path = "/files", tag = "notes", params(NewFile),
    request_body(content = FileBytes, content_type = "application/octet-stream", example = json!("Contrato de servicio\n")),
    responses((status = 201, body = StoredFile), (status = 404, body = Problem), (status = 409, description = "`too_many`: there are as many as one thing may have", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("note.write"))))]
async fn file_create(
    ctx: Ctx,
    Query(new): Query<NewFile>,
    Upload(bytes): Upload,
) -> Result<(StatusCode, Json<StoredFile>), Error> {
    Ok((StatusCode::CREATED, Json(files::file_create(&ctx, &new, bytes).await?)))
}

/// The content of a file, to be saved and not to be shown in the browser's window.
#[utoipa::path(get, path = "/files/{id}/content", tag = "notes", params(("id" = FileId, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = FileBytes), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn file_content(ctx: Ctx, Path(id): Path<FileId>) -> Result<Response, Error> {
    let FileContent { file, content } = files::file_download(&ctx, &id).await?;
    to_be_saved(&file.name, content)
}

/// Content that a browser saves and never shows.
pub(crate) fn to_be_saved(name: &str, content: Vec<u8>) -> Result<Response, Error> {
    let disposition = HeaderValue::from_str(&disposition(name)).map_err(Error::internal)?;
    let headers = [
        // Whatever it is: nobody is to find out by looking, and to show it.
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_DISPOSITION, disposition),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
    ];
    Ok((headers, content).into_response())
}

/// Removes a file; another's with `note.remove` only.
#[utoipa::path(delete, path = "/files/{id}", tag = "notes", params(("id" = FileId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, description = "`not_the_author`: somebody else wrote or left this", body = Problem)),
    extensions(("x-permission" = json!("note.write"))))]
async fn file_remove(ctx: Ctx, Path(id): Path<FileId>) -> Result<StatusCode, Error> {
    files::file_remove(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `attachment` with a name in letters that every program reads, and the name itself (RFC 6266, RFC 8187).
fn disposition(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._- ".contains(letter);
    let plain: String = name.chars().map(|letter| if is_plain(letter) { letter } else { '_' }).collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::disposition;

    #[test]
    fn a_name_breaks_out_of_no_header() {
        assert_eq!(
            disposition("señal 1.pdf"),
            "attachment; filename=\"se_al 1.pdf\"; filename*=UTF-8''se%C3%B1al%201.pdf"
        );
        assert_eq!(
            disposition("a\";x\r\n"),
            "attachment; filename=\"a__x__\"; filename*=UTF-8''a%22%3Bx%0D%0A"
        );
    }
}
