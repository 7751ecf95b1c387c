"""The stacks that a project sandbox can have: templates of our own, as data."""

from __future__ import annotations

from orket.domain.projects import Service, Stack

DB_PASSWORD, ADMIN_PASSWORD = "DB_PASSWORD", "ADMIN_PASSWORD"  # names, not values
USER, DATABASE = "app", "app"

_POSTGRES = Service(
    name="db",
    image="postgres:16-alpine",
    environment=(
        ("POSTGRES_USER", USER),
        ("POSTGRES_PASSWORD", f"${{{DB_PASSWORD}}}"),
        ("POSTGRES_DB", DATABASE),
    ),
    ports=(5432,),
    volume="/var/lib/postgresql/data",
)
_MONGO = Service(
    name="db",
    image="mongo:7",
    environment=(
        ("MONGO_INITDB_ROOT_USERNAME", USER),
        ("MONGO_INITDB_ROOT_PASSWORD", f"${{{DB_PASSWORD}}}"),
    ),
    ports=(27017,),
    volume="/data/db",
)
_MSSQL = Service(
    name="db",
    image="mcr.microsoft.com/mssql/server:2022-latest",
    environment=(("ACCEPT_EULA", "Y"), ("MSSQL_SA_PASSWORD", f"${{{DB_PASSWORD}}}")),
    ports=(1433,),
    volume="/var/opt/mssql",
)
_PGADMIN = Service(
    name="admin",
    image="dpage/pgadmin4:8",
    environment=(
        ("PGADMIN_DEFAULT_EMAIL", "admin@example.com"),
        ("PGADMIN_DEFAULT_PASSWORD", f"${{{ADMIN_PASSWORD}}}"),
    ),
    ports=(80,),
    needs=("db",),
    probe="/misc/ping",
)
_MONGO_EXPRESS = Service(
    name="admin",
    image="mongo-express:1",
    environment=(
        ("ME_CONFIG_MONGODB_URL", "${DATABASE_URL}"),
        ("ME_CONFIG_BASICAUTH_USERNAME", "admin"),
        ("ME_CONFIG_BASICAUTH_PASSWORD", f"${{{ADMIN_PASSWORD}}}"),
    ),
    ports=(8081,),
    needs=("db",),
)
_BOTH = (DB_PASSWORD, ADMIN_PASSWORD)


def _backend(port: int, variable: str = "DATABASE_URL") -> Service:
    return Service(
        name="api",
        build="backend",
        environment=((variable, "${DATABASE_URL}"), ("PORT", str(port))),
        ports=(port,),
        needs=("db",),
    )


def _frontend(variable: str, port: int = 3000, api: int = 8000) -> Service:
    # The page runs in a browser, which knows no service names: the frontend's own server is to pass calls on.
    return Service(
        name="frontend",
        build="frontend",
        environment=((variable, f"http://api:{api}"), ("PORT", str(port))),
        ports=(port,),
        needs=("api",),
    )


STACKS = (
    Stack(
        name="fastapi-react-postgres",
        services=(_backend(8000), _frontend("REACT_APP_API_URL"), _POSTGRES, _PGADMIN),
        credentials=_BOTH,
    ),
    Stack(
        name="fastapi-vue-mongo",
        services=(_backend(8000, "MONGO_URL"), _frontend("VUE_APP_API_URL"), _MONGO, _MONGO_EXPRESS),
        credentials=_BOTH,
    ),
    Stack(
        name="csharp-razor-ef",
        services=(
            Service(
                name="app",
                build="app",
                environment=(
                    ("ASPNETCORE_URLS", "http://+:8080"),
                    ("ConnectionStrings__DefaultConnection", "${DATABASE_URL}"),
                ),
                ports=(8080,),
                needs=("db",),
            ),
            _MSSQL,
        ),
        credentials=(DB_PASSWORD,),
    ),
    Stack(
        name="node-react-postgres",
        services=(_backend(4000), _frontend("REACT_APP_API_URL", api=4000), _POSTGRES, _PGADMIN),
        credentials=_BOTH,
    ),
    Stack(
        name="django-react-postgres",
        services=(_backend(8000), _frontend("REACT_APP_API_URL"), _POSTGRES, _PGADMIN),
        credentials=_BOTH,
    ),
)
