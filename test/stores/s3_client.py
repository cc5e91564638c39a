#!/usr/bin/python3
"""Does to an S3 store what AWS's own library does, so that tests look at it with other eyes than pg_ocr's:

    s3_client.py ENDPOINT REGION KEY_ID SECRET < CALLS

CALLS is a JSON list of calls of boto3's S3 client: [["put_object", {"Bucket": …, "Key": …, "Body": …}], …]. A Body is
base64, in the results too; ["presign", {"Bucket": …, "Key": …, "ExpiresIn": seconds}] is a URL to get. Prints a JSON list of
their results.
"""
import base64
import json
import sys

import boto3
from botocore.config import Config


def result_of(client, name, arguments):
    if name == "presign":
        seconds = arguments.pop("ExpiresIn")
        return client.generate_presigned_url("get_object", Params=arguments, ExpiresIn=seconds)
    if "Body" in arguments:
        arguments["Body"] = base64.b64decode(arguments["Body"])
    result = getattr(client, name)(**arguments)
    if "Body" in result:
        result["Body"] = base64.b64encode(result["Body"].read()).decode()
    return result


if __name__ == "__main__":
    endpoint, region, key_id, secret = sys.argv[1:]
    s3 = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=key_id, aws_secret_access_key=secret,
                      region_name=region, config=Config(s3={"addressing_style": "path"}, signature_version="s3v4"))
    print(json.dumps([result_of(s3, name, arguments) for name, arguments in json.load(sys.stdin)], default=str))
