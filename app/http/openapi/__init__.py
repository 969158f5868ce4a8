"""The OpenAPI 3.1 document: FastAPI's, with every failure and every header described. Describes; decides nothing."""

from app.http.openapi.document import build_document as build_document
from app.http.openapi.document import install as install
from app.http.openapi.document import name_operation as name_operation
from app.http.openapi.problem_shapes import describe_problems as describe_problems
from app.http.openapi.response_shapes import describe_empty as describe_empty
from app.http.openapi.response_shapes import describe_example as describe_example
from app.http.openapi.response_shapes import describe_item as describe_item
from app.http.openapi.response_shapes import describe_job as describe_job
from app.http.openapi.response_shapes import describe_list as describe_list
from app.http.openapi.response_shapes import describe_redirect as describe_redirect
from app.http.openapi.response_shapes import describe_stream as describe_stream
from app.http.openapi.response_shapes import describe_uncached as describe_uncached
