"""The function behind the marks of changes (`tenants.models.revision`)."""

from django.conf import settings
from django.db import migrations

# With the rights of whoever owns the public tables: a box's role has none there. It knows the box by the table that the
# trigger stands on, so nobody can name another's. Whoever makes triggers must be allowed to execute it: the owner of the
# boxes' schemas alone.
_FUNCTION = f"""
CREATE FUNCTION tenants_draw_mark() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.tenants_revision (schema_name, table_name, mark)
    VALUES (TG_TABLE_SCHEMA, TG_TABLE_NAME, gen_random_uuid())
    ON CONFLICT (schema_name, table_name) DO UPDATE SET mark = EXCLUDED.mark;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION tenants_draw_mark() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_draw_mark() TO "{settings.ENV.database_owner}";
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]
    operations = [migrations.RunSQL(_FUNCTION, "DROP FUNCTION tenants_draw_mark()")]
