-- URIs that pretend to lead elsewhere than they do.
BEGIN;
SELECT no_plan();
CREATE SERVER pub FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'https', endpoint 'https://host.test/pub');
CREATE SERVER files FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'file', directory '/data');
CREATE SERVER bucket FOREIGN DATA WRAPPER ocr_store OPTIONS (type 's3', bucket 'scans');
CREATE FUNCTION pg_temp.store(uri text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN ocr.store_of_uri(ocr.normal_uri(uri), current_user::name);
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
SELECT is(pg_temp.store(uri), store, uri) FROM (VALUES
    ('https://host.test/pub/x', 'pub'), ('HTTPS://HOST.test:443/pub/x', 'pub'), ('https://host.test/pub/..x/x..;y', 'pub'),
    ('https://host.test/pub/a%20b;v=1/%252520', 'pub'), ('https://host.test/pub/x?a=../b', 'pub'),
    ('https://host.test.evil/pub/x', '42704'), ('https://host.testevil/pub/x', '42704'), ('https://host.test/public/x', '42704'),
    ('https://host.test/PUB/x', '42704'), ('https://host.test./pub/x', '42704'), ('https://host.test:8443/pub/x', '42704'),
    ('http://host.test/pub/x', '42704'), ('https://host.test/pub', '42704'), ('https://host.test/pub/', '42704'),
    ('https://host.test@evil/pub/x', '22023'), ('https://evil@host.test/pub/x', '22023'), ('https://evil\@host.test/pub/x', '22023'),
    ('https://host.test#@evil/pub/x', '22023'), ('https://host.test\.evil/pub/x', '22023'), (E'https://host.test/pub/x\r\nx: y', '22023'),
    ('https://host.test /pub/x', '22023'), ('https://höst.test/pub/x', '22023'), ('https://h%6fst.test/pub/x', '22023'),
    ('https://host.test/pub/../x', '22023'), ('https://host.test/pub/a/%2e%2E/%2e./x', '22023'), ('https://host.test/pub/..%2fx', '22023'),
    ('https://host.test/pub/a%2f..%2fx', '22023'), ('https://host.test/pub\..\x', '22023'), ('https://host.test/pub/..%5cx', '22023'),
    ('https://host.test/pub/..;/x', '22023'), ('https://host.test/pub/..;a=b/x', '22023'), ('https://host.test/pub/%252e%252e/x', '22023'),
    ('https://host.test/pub/..%252fx', '22023'), ('https://host.test/pub/..%3bx/y', '22023'), ('https://host.test/pub/..', '22023'),
    ('file:///data/x', 'files'), ('file:///data/a b%2e/x', 'files'), ('file:///data/..x', 'files'),
    ('file:///database/x', '42704'), ('file:///data', '42704'), ('file://data/x', '22023'), ('file:////data/x', '22023'),
    ('file:///data//x', '22023'), ('file:///data/../x', '22023'), ('file:///data/./x', '22023'), ('file:///data/x/..', '22023'),
    ('file:///data/', '22023'), ('file:///DATA/x', '42704'), ('file://host/data/x', '22023'),
    ('s3://scans/x', 'bucket'), ('S3://scans/x', 'bucket'), ('s3://scans//x', 'bucket'), ('s3://SCANS/x', '42704'),
    ('s3://scans.evil/x', '42704'), ('s3://evil@scans/x', '42704'), ('s3://scans', '22023'), ('s3://scans/', '22023'),
    ('gopher://host.test/pub/x', '22023'), ('javascript:x', '22023'), ('//host.test/pub/x', '22023'), (' https://host.test/pub/x', '22023'))
    AS uris (uri, store);
SELECT * FROM finish();
ROLLBACK;
