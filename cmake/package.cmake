# What `cmake --install` puts where, and the Debian package that `cpack` makes of it.
#
# Paths follow GNUInstallDirs, below the prefix that is given when it is installed; the configuration of
# the prefix /usr is in /etc. Man pages, completions and bide.toml are made by the program that is
# installed, so that they are always its own.
include(GNUInstallDirs)
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # Neither tests nor benchmarks are installed.
set(made ${CMAKE_BINARY_DIR}/installed)
set(package ${CMAKE_SOURCE_DIR}/cmake/package)

install(TARGETS bide RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(CODE "
  set(sysconfdir \${CMAKE_INSTALL_PREFIX}/etc)
  if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
    set(sysconfdir /etc)
  endif()
  execute_process(
    COMMAND ${CMAKE_COMMAND} -D BIDE=$<TARGET_FILE:bide> -D OUT=${made} -D VERSION=${PROJECT_VERSION}
            -D BINDIR=\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR} -D SYSCONFDIR=\${sysconfdir}
            -P ${package}/make.cmake
    COMMAND_ERROR_IS_FATAL ANY)
  file(INSTALL ${made}/bide.toml DESTINATION \${sysconfdir}/bide)")
install(DIRECTORY ${made}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR})
install(FILES ${made}/bide.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME bide)
install(FILES ${made}/bide.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _bide)
install(FILES ${made}/bide.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES ${made}/bide.service ${made}/bide.socket DESTINATION lib/systemd/system)
install(FILES ${package}/bide.conf DESTINATION lib/sysusers.d)
install(FILES ${made}/copyright ${made}/changelog.gz ${made}/changelog.Debian.gz README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY examples docs DESTINATION ${CMAKE_INSTALL_DOCDIR} USE_SOURCE_PERMISSIONS)

set(CPACK_GENERATOR DEB)
set(CPACK_SOURCE_GENERATOR "")
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "the bide authors <bide@bide.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "waiting for jobs over HTTP: server and command line")
set(CPACK_PACKAGE_DESCRIPTION "Workers report the events of jobs, with curl or into a NATS JetStream
key-value bucket. bide tells shell scripts, CI pipelines, polling clients
and people when a job has changed or finished: at once, conditionally, held
until there is news, as server-sent events, over a WebSocket, or on a page.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS nats-server)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${package}/postinst ${package}/prerm ${package}/postrm ${package}/conffiles)
include(CPack)
