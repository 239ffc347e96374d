# What is installed beside the programs, and how `cpack` makes a package of it. A package is for the distribution that
# it was built on: libraries are its dependencies, by the names and versions that they have there.
include(GNUInstallDirs)

set(doc ${CMAKE_INSTALL_DATAROOTDIR}/doc/${PROJECT_NAME})
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${doc} RENAME copyright)
install(FILES ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/SECURITY.md DESTINATION ${doc})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs DESTINATION ${doc} FILES_MATCHING PATTERN "*.md")
# Packages have it compressed, without a time in it.
install(CODE "
  set(doc \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${doc}\")
  execute_process(COMMAND gzip -9nc ${CMAKE_SOURCE_DIR}/CHANGELOG.md OUTPUT_FILE \"\${doc}/changelog.gz\" COMMAND_ERROR_IS_FATAL ANY)")

set(CPACK_PACKAGE_NAME ${PROJECT_NAME})
set(CPACK_PACKAGE_VENDOR "rotv-sync")
set(CPACK_PACKAGE_CONTACT "the developers of rotv-sync <rotv-sync@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "fresh copies of a production PostgreSQL for development")
set(CPACK_PACKAGE_DESCRIPTION "rotv-sync takes one full baseline of a production database, then receives only what has
changed, into a local store, and writes a dump of any point in time from it. rotv starts an application on it, in a
container or as plain processes.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR DEB)
set(CPACK_SOURCE_GENERATOR "")

# pg_dump reads the source's schema, ssh's client knows its configuration.
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "openssh-client, postgresql-client")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "postgresql, podman | docker.io, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "zstd")
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_LICENSE MIT)
set(CPACK_RPM_PACKAGE_GROUP Applications/Databases)
set(CPACK_RPM_PACKAGE_REQUIRES "openssh-clients, postgresql")
set(CPACK_RPM_PACKAGE_SUGGESTS "postgresql-server, podman, zstd")
# Folders of the system are not the package's own.
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION /usr/share/man /usr/share/man/man1 /usr/share/bash-completion
  /usr/share/bash-completion/completions /usr/share/zsh /usr/share/zsh/site-functions /usr/share/fish
  /usr/share/fish/vendor_completions.d /usr/share/doc)
include(CPack)
