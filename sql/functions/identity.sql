CREATE OR REPLACE FUNCTION ocr.caller() RETURNS name
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_ocr_caller';
COMMENT ON FUNCTION ocr.caller() IS
'The role that a job submitted now would belong to: the one of SET ROLE, else the one that logged in. The ocr_… functions ask this and not current_user, which inside a SECURITY DEFINER function is that function''s owner: so it is your users, not the owner of your function or trigger, that own what is submitted there. An error (42501) where the server evaluates a table owner''s expressions on somebody else''s behalf, as ANALYZE does.';

-- USAGE and not MEMBER: who may only administer a role, or does not inherit from it, does not have its rights.
-- to_regrole() gives null where the role has been dropped since: its rows are left to superusers, as if they were those of
-- the role with OID 10, which is the superuser that initdb makes.
--
-- Policies call it for each row, so it has no SET search_path, which would keep it from being inlined. Its body is parsed
-- here and not in the caller's session: there, whoever asks could pass off a type and a cast of theirs for pg_catalog's.
CREATE OR REPLACE FUNCTION ocr.acts_for(owner name) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN owner OPERATOR(pg_catalog.=) CURRENT_USER
    OR pg_catalog.pg_has_role(COALESCE(pg_catalog.to_regrole(pg_catalog.quote_ident(owner::pg_catalog.text))::pg_catalog.oid,
                                       10::pg_catalog.oid), 'USAGE');
COMMENT ON FUNCTION ocr.acts_for(name) IS
'Whether the current user has the rights of this role: is it, is a member of it, or is a superuser. What belonged to a role that was dropped is left to superusers. Views of schema ocr ask this of a row''s owner.';

-- Policies do not ask ocr.acts_for() of each row: an index by owner can be asked for what is in an array.
CREATE OR REPLACE FUNCTION ocr.visible_owners() RETURNS name[]
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_ocr_visible_owners';
COMMENT ON FUNCTION ocr.visible_owners() IS 'The roles that the current user has the rights of. Row-level security on schema ocr shows the rows of these owners.';

CREATE OR REPLACE FUNCTION ocr.caller_acts_for(owner name) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT owner = ocr.caller()
        OR pg_has_role(ocr.caller(), coalesce(to_regrole(quote_ident(owner))::oid, 10::oid), 'USAGE')
$$;
COMMENT ON FUNCTION ocr.caller_acts_for(name) IS 'Internal: as ocr.acts_for(), of ocr.caller()';
