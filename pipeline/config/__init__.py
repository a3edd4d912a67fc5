"""The configuration: the schema, a module a section; composing `conf/`; reading `params.yaml`."""
