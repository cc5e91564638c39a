\echo Use "CREATE EXTENSION pg_ocr" to load this file. \quit
